"""Who may be whom: TLS and certificates that a peer's section demands of a caller."""

from __future__ import annotations

import pytest

from config.settings import Settings
from scp.reception.admission import Accepted, Admission, Refused
from scp.reception.bindings import PLAIN, Line
from tests.scp import certificates

MINE, OTHERS = "sha256:" + "1" * 64, "sha256:" + "2" * 64
TLS = Line(is_secure=True)
TLS_MINE, TLS_OTHERS = (Line(is_secure=True, fingerprint=found) for found in (MINE, OTHERS))
CT = {"ae_title": "CT1", "host": "127.0.0.1"}


@pytest.fixture
def admit(tmp_path):
    """`admit(line, peers, calling=..., unknown=...)`: the verdict on a caller."""
    files = certificates.write_node(tmp_path) | {"port": 0}

    def decide(line, peers, *, calling="CT1", host="127.0.0.1", unknown=False):
        settings = Settings(node={"tls": files, "accept_unknown_peers": unknown}, peers=peers)
        return Admission.from_settings(settings).decide(called="CORONODE", calling=calling, host=host, line=line)

    return decide


@pytest.mark.parametrize("line", [PLAIN, TLS, TLS_MINE], ids=["plain", "tls", "certificate"])
def test_a_peer_of_which_nothing_is_demanded_may_come_either_way(admit, line):
    assert isinstance(admit(line, {"CT": CT}), Accepted)


@pytest.mark.parametrize(
    ("line", "demand", "words"),
    [
        (PLAIN, {}, "peers.CT.tls is true, and it called over the port without TLS"),
        (TLS_MINE, {}, None),
        (TLS, {}, None),  # node.tls.require_certificate decides on that
        (PLAIN, {"certificate": MINE}, "without TLS"),
        (TLS, {"certificate": MINE}, "not the one of peers.CT.certificate: it has none"),
        (TLS_OTHERS, {"certificate": MINE}, f"not the one of peers.CT.certificate: it has {OTHERS}"),
        (TLS_MINE, {"certificate": MINE}, None),
        (TLS_OTHERS, {"certificate": [MINE, OTHERS]}, None),
    ],
)
@pytest.mark.parametrize("unknown", [False, True])
def test_what_is_demanded_must_be_there(admit, line, demand, words, unknown):
    verdict = admit(line, {"CT": CT | {"tls": True} | demand}, unknown=unknown)
    if words is None:
        assert isinstance(verdict, Accepted)
    else:
        assert isinstance(verdict, Refused)
        assert (verdict.diagnostic, verdict.kind) == (3, "unsecured")  # PS3.8 table 9-21: calling AE title
        assert words in verdict.reason


def test_a_certificate_speaks_for_the_peers_that_name_it_and_for_no_other(admit):
    peers = {
        "CT": CT | {"tls": True, "certificate": MINE},
        "PC": {"ae_title": "VIEWER", "host": "127.0.0.1"},
        "PACS": {"ae_title": "PACS", "host": "127.0.0.1", "tls": True, "certificate": [OTHERS, MINE]},
    }
    verdict = admit(TLS_MINE, peers, calling="VIEWER")
    assert isinstance(verdict, Refused)
    assert "belongs to another peer: peers.CT.certificate" in verdict.reason
    assert isinstance(admit(TLS_MINE, peers, calling="PACS"), Accepted)
    assert isinstance(admit(PLAIN, peers, calling="VIEWER"), Accepted)


def test_a_known_title_from_an_unknown_address_is_no_way_around_its_certificate(admit):
    peers = {"CT": CT | {"tls": True, "certificate": MINE}}
    assert isinstance(admit(PLAIN, peers, host="10.0.0.9", unknown=True), Refused)
    assert isinstance(admit(TLS_OTHERS, peers, host="10.0.0.9", unknown=True), Refused)
    assert isinstance(admit(PLAIN, peers, host="10.0.0.9", calling="ELSE", unknown=True), Accepted)


def test_of_two_sections_for_one_caller_that_counts_which_fits(admit):
    peers = {
        "SECURE": CT | {"tls": True, "services": ["store"]},
        "OPEN": CT | {"services": ["query"]},
    }
    assert admit(PLAIN, peers) == Accepted(("query",))
    assert admit(TLS_MINE, peers) == Accepted(("store", "query"))
