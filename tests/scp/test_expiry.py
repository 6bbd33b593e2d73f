"""Certificates that end soon: metric, log once a day, words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from config.settings import Settings
from scp.expiry import ExpiryWatch, list_named
from scp.metrics import REGISTRY
from tests.scp import certificates


class Clock:
    def __init__(self) -> None:
        self.now = certificates.NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path) -> Settings:
    pinned, _ = certificates.write(tmp_path, "peer", certificates.issue("peer", days=20))
    return Settings(
        node={"tls": certificates.write_node(tmp_path) | {"port": 0}},
        peers={"CT": {"ae_title": "CT1", "host": "127.0.0.1", "tls": True, "certificate": str(pinned)}},
    )


@pytest.mark.parametrize(
    ("days", "words", "is_valid", "soon"),
    [
        (0, "is valid until 20", True, False),
        (59, "is valid until 20", True, False),
        (60.5, "29 days; replace the file, no restart is needed", True, True),
        (88.5, "1 day; replace", True, True),
        (91, "has expired on", False, True),
        (-1, "is not valid before", False, False),
    ],
)
def test_how_long_it_is_valid_is_said_in_words(settings, days, words, is_valid, soon):
    own, authority, pinned = list_named(settings, certificates.NOW)
    settings_named = ["node.tls.certificate", "node.tls.ca", "peers.CT.certificate"]
    assert [own.setting, authority.setting, pinned.setting] == settings_named
    now = certificates.NOW + timedelta(days=days)
    assert words in own.describe(now)
    assert "CN=node" in own.describe(now)
    assert (own.is_valid(now), own.ends_soon(now)) == (is_valid, soon)


def test_the_metric_tells_when_each_file_ends(settings, clock, tmp_path):
    ExpiryWatch(settings, clock).look()
    for name, days in (("node", 90), ("peer", 20), ("ca", 400)):
        value = REGISTRY.get_sample_value(
            "coronode_certificate_expiry_timestamp_seconds", {"file": str(tmp_path / f"{name}.pem")}
        )
        assert value is not None
        ends = datetime.fromtimestamp(value, UTC)
        assert abs(ends - (certificates.NOW + timedelta(days=days))) < timedelta(seconds=2)


def test_the_log_warns_thirty_days_before_once_a_day(settings, clock):
    watch = ExpiryWatch(settings, clock)
    with capture_logs() as lines:
        for _ in range(48):
            watch.look()
            clock.now += timedelta(hours=1)
    assert [line["setting"] for line in lines] == ["peers.CT.certificate"] * 2  # the node's own has 90 days
    assert "20 days" in lines[0]["reason"] or "19 days" in lines[0]["reason"]


def test_a_renewed_file_ends_the_warnings(settings, clock, tmp_path):
    watch = ExpiryWatch(settings, clock)
    watch.look()
    certificates.write(tmp_path, "peer", certificates.issue("peer", days=365))
    clock.now += timedelta(days=2)
    with capture_logs() as lines:
        watch.look()
    assert [line["event"] for line in lines] == ["changed TLS files are in use"]


def test_a_file_that_is_away_breaks_nothing(settings, clock, tmp_path):
    watch = ExpiryWatch(settings, clock)
    (tmp_path / "node.pem").unlink()
    with capture_logs() as lines:
        watch.look()
        watch.look()
    warnings = [line for line in lines if line["log_level"] == "warning"]
    assert len(warnings) == 1
    assert "the earlier ones stay in use" in warnings[0]["event"]


def test_of_a_renewed_certificate_and_its_successor_in_one_file_the_expired_one_counts_no_more(settings, tmp_path):
    both = certificates.issue("peer", days=20).certificate + certificates.issue("peer renewed", days=300).certificate
    (tmp_path / "peer.pem").write_bytes(both)
    for days, subject in ((10, "CN=peer"), (21, "CN=peer renewed"), (301, "CN=peer")):
        *_, pinned = list_named(settings, certificates.NOW + timedelta(days=days))
        assert pinned.first_to_end.subject == subject
    (tmp_path / "node.pem").write_bytes((tmp_path / "node.pem").read_bytes() + both)
    own, *_ = list_named(settings, certificates.NOW + timedelta(days=21))
    assert own.first_to_end.subject == "CN=peer"  # a chain ends with its first certificate


def test_without_tls_nothing_runs(clock):
    watch = ExpiryWatch(Settings(), clock)
    assert not watch.is_needed
    watch.start()
    watch.stop()
