"""The peer that sent a series says how many images it has; a peer that says nothing holds nothing up."""

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE

from config.errors import ConfigurationError
from config.load import load
from config.settings import Settings
from scp.cli import main
from storage.series import expectations, sources, states

pytestmark = pytest.mark.component

STUDY, SERIES = "1.2.1", "1.2.1.1"


@pytest.fixture
def site(archive, configured, series_of):
    """Settings of a node whose only source is the archive, and the images there."""
    archive.objects = series_of(STUDY, SERIES, 6)

    def configure(witness="count", quiet=4, deadline=600, **peer):
        settings = configured(
            {}, completion={"quiet_seconds": quiet, "gap_deadline_seconds": deadline, "hold_seconds": 600}
        )
        known = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": archive.port, "witness": witness} | peer
        return Settings(**settings.model_dump() | {"peers": {"ARCHIVE": known}})

    return configure


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr("scp.fetching.witness.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("scp.durable.workflow.RECONCILE_SECONDS", 0.3)


@pytest.fixture
def coronode_show(tmp_path, monkeypatch, capsys):
    """What `coronode series show` prints."""

    def show(node, uid):
        config = tmp_path / "show.toml"
        config.write_text(f'[node]\ndata_dir = "{tmp_path / "data"}"\n')
        monkeypatch.setattr("sys.argv", ["coronode", "series", "show", uid, "--config", str(config)])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    return show


def send(node, images, *, keep_open=False):
    """Send as the archive does; it may keep its association open."""
    ae = AE("ARCHIVE")
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", node.server.port, ae_title="CORONODE")
    for image in images:
        assert association.send_c_store(image).Status == 0
    if not keep_open:
        association.release()
    return association


def state(node):
    return states.get(node.database, SERIES)


def test_a_series_that_the_source_has_as_well_is_complete_at_once(site, archive, run_node, eventually):
    with run_node(site(quiet=6)) as node:
        association = send(node, archive.objects, keep_open=True)
        eventually("completion", lambda: state(node).version == 1)
        assert association.is_established  # which would have held it open for 600 s
        association.release()
        answer = sources.find_answer(node.database, SERIES)
        assert (answer.peer, answer.count, answer.remark) == ("ARCHIVE", 6, "")
    assert [identifier.QueryRetrieveLevel for identifier in archive.asked] == ["SERIES"]


@pytest.mark.parametrize("counts", [True, False])
def test_a_larger_series_at_the_source_waits_and_says_so(site, archive, run_node, eventually, counts, coronode_show):
    archive.counts = counts
    with run_node(site()) as node:
        send(node, archive.objects[:4])  # the last two leave no gap
        eventually("a reason", lambda: state(node).wait_reason)
        assert "2 of 6 images counted by the source have not come" in state(node).wait_reason
        assert state(node).state == "receiving"
        shown = coronode_show(node, SERIES)
        assert "source:      ARCHIVE has 6 objects, 4 have come (asked " in shown
        send(node, archive.objects[4:])
        eventually("completion", lambda: state(node).version == 1)
        assert state(node).flags == ()


def test_what_is_missing_is_known_after_a_restart(site, archive, run_node, eventually):
    with run_node(site()) as node:
        send(node, archive.objects[:4])
        eventually("a reason", lambda: "counted by the source" in state(node).wait_reason)
    archive.stop()
    with run_node(site()) as node:
        eventually("a reason", lambda: "counted by the source" in state(node).wait_reason)
        assert state(node).version == 0
        send(node, archive.objects[4:])
        eventually("completion", lambda: state(node).version == 1)


@pytest.mark.parametrize("way", ["get", "move"])
def test_what_is_missing_is_fetched(site, archive, run_node, eventually, way):
    with run_node(site("fetch", retrieve=way)) as node:
        archive.destination = node.server.port
        send(node, [*archive.objects[:2], *archive.objects[3:5]])
        eventually("completion", lambda: state(node).version == 1)
        assert (state(node).instance_count, state(node).flags) == (6, ())
    assert archive.sent == 2
    assert list(archive.fetched[0].SOPInstanceUID) == [f"{SERIES}.3", f"{SERIES}.6"]


def test_what_cannot_be_fetched_is_said_and_waited_for(site, archive, run_node, eventually):
    with run_node(site("fetch", deadline=4)) as node:
        archive.withheld = {f"{SERIES}.6"}
        send(node, archive.objects[:5])
        eventually("completion", lambda: state(node).version == 1)
        assert "1 of 6 images counted by the source has not come" in state(node).flags
    assert 1 <= len(archive.fetched) <= 2


def test_a_source_that_has_fewer_decides_nothing(site, archive, run_node, eventually):
    images, archive.objects = archive.objects, archive.objects[:3]
    with run_node(site(quiet=6)) as node:
        send(node, images)
        eventually("an answer", lambda: sources.find_answer(node.database, SERIES))
        assert sources.find_answer(node.database, SERIES).count == 3
        assert expectations.list_expectations(node.database, SERIES) == []
        eventually("completion", lambda: state(node).version == 1)
        assert state(node).flags == ()


@pytest.mark.parametrize("answer", [0xC001, 0xA900, "abort", "away"])
def test_a_source_that_fails_holds_nothing_up(site, archive, run_node, eventually, answer):
    if answer == "away":
        archive.stop()
    else:
        archive.answers = [answer] * 10
    with run_node(site(quiet=6)) as node:
        send(node, archive.objects)
        eventually("an answer", lambda: sources.find_answer(node.database, SERIES))
        found = sources.find_answer(node.database, SERIES)
        assert found.count is None
        eventually("completion", lambda: state(node).version == 1)
        assert state(node).flags == ()
        assert "ARCHIVE at 127.0.0.1" in found.remark


def test_a_silent_source_holds_nothing_up(site, archive, mute, run_node, eventually):
    with run_node(site(port=mute.port)) as node:
        send(node, archive.objects)
        eventually("a call", lambda: mute.calls)
        eventually("completion", lambda: state(node).version == 1)
        mute.stop()


def test_nobody_is_asked_who_is_not_to_be(site, archive, run_node, eventually):
    with run_node(site("off")) as node:
        send(node, archive.objects)
        eventually("completion", lambda: state(node).version == 1)
    assert archive.asked == []


def test_questions_are_limited(site, archive, run_node, eventually, series_of):
    archive.objects = [image for n in range(8) for image in series_of(STUDY, f"{STUDY}.{n + 1}", 3)]
    with run_node(site(quiet=4, witness_per_minute=1)) as node:
        send(node, archive.objects)
        eventually("completion", lambda: all(states.get(node.database, f"{STUDY}.{n + 1}").version for n in range(8)))
    assert len(archive.asked) == 1


def test_a_witness_without_a_port_is_refused(tmp_path):
    (tmp_path / "c.toml").write_text('[peers.X]\nae_title = "X"\nhost = "h"\nwitness = "count"\n')
    with pytest.raises(ConfigurationError, match="a peer without a port cannot be asked"):
        load(tmp_path / "c.toml")
