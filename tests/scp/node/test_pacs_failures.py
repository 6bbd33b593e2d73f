"""What a PACS can do wrong: nothing is lost, and what cannot be delivered says why in the PACS's words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from scp.cli import cli
from storage.database.opening import open_database
from storage.outbox import deliveries, outgoing
from storage.outbox.deliveries import Delivery, DeliveryState, Document
from storage.series import states
from storage.series.states import State


@pytest.fixture
def node(undelivered, configured, run_node, new_pacs):
    """A running node that owes one SR to `node.pacs`, which a test prepares before it starts the node."""
    folder, delivery = undelivered
    pacs = new_pacs()

    class Hospital:
        def __init__(self) -> None:
            self.pacs, self.delivery, self.folder = pacs, delivery, folder

        def run(self, **sections):
            return run_node(configured({"PACS": pacs.port}, folder, **sections))

        def outbox(self, node) -> Delivery:
            return deliveries.get(node.database, delivery.id)

        def state(self, node) -> State:
            return states.get(node.database, delivery.series_instance_uid).state

    return Hospital()


def delivered(site, running, eventually) -> Delivery:
    eventually("delivery", lambda: site.outbox(running).state == DeliveryState.DELIVERED)
    (document,) = site.pacs.received
    assert document.SOPInstanceUID == site.delivery.sop_instance_uid
    assert document.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert site.state(running) == State.DELIVERED
    return site.outbox(running)


def dead(site, running, eventually) -> Delivery:
    eventually("the dead letter", lambda: site.outbox(running).state == DeliveryState.DEAD)
    assert site.pacs.received == []
    assert site.state(running) == State.UNDELIVERABLE
    return site.outbox(running)


def test_pacs_that_is_down_for_a_while(node, eventually):
    with node.run() as running:
        eventually("attempts", lambda: node.outbox(running).attempts >= node.delivery.attempts + 2)
        waiting = node.outbox(running)
        assert waiting.state in (DeliveryState.PENDING, DeliveryState.SENDING)
        assert f"127.0.0.1:{node.pacs.port}" in waiting.last_error
        assert node.state(running) == State.SCORED
        node.pacs.start()
        assert delivered(node, running, eventually).last_error == ""


@pytest.mark.parametrize(
    ("verdicts", "answers"),
    [
        pytest.param([], [0xA700, (0xA701, "disk full")], id="out-of-resources"),
        pytest.param([(2, 3, 1), (2, 3, 2)], [], id="rejected-for-now"),
        pytest.param([], ["abort", "abort"], id="aborts-half-way"),
        pytest.param([(2, 1, 1)], ["abort", 0x0110, 0xA700], id="one-after-the-other"),
    ],
)
def test_failures_that_pass(node, eventually, verdicts, answers):
    node.pacs.verdicts.extend(verdicts)
    node.pacs.answers.extend(answers)
    node.pacs.start()
    with node.run() as running:
        done = delivered(node, running, eventually)
    failures = len(verdicts) + len(answers)
    assert done.attempts - node.delivery.attempts == failures + 1
    assert len(node.pacs.asked) == failures + 1


@pytest.mark.parametrize(
    ("verdicts", "answers", "words"),
    [
        pytest.param([], [(0x0122, "no SR here")], ["0x0122 SOP class not supported", "no SR here"], id="0122"),
        pytest.param([(1, 1, 3)], [], ["rejected", "calling AE title not recognized"], id="rejected-for-good"),
    ],
)
def test_failures_that_stay_until_the_pacs_is_repaired(node, eventually, verdicts, answers, words, tmp_path):
    node.pacs.verdicts.extend(verdicts)
    node.pacs.answers.extend(answers)
    node.pacs.start()
    with node.run() as running:
        letter = dead(node, running, eventually)
        assert all(word in letter.last_error for word in words)
        assert letter.attempts - node.delivery.attempts == 1
        config = tmp_path / "coronode.toml"
        config.write_text(f'[node]\ndata_dir = "{node.folder}"\n')
        listed = CliRunner().invoke(cli, ["outbox", "list", "--config", str(config)])
        assert all(word in " ".join(listed.output.split()) for word in words)
        again = CliRunner().invoke(cli, ["outbox", "retry", str(letter.id), "--config", str(config)])
        assert again.exit_code == 0, again.output
        delivered(node, running, eventually)


def test_retry_while_the_node_is_stopped(node, eventually):
    node.pacs.answers.append(0x0122)
    node.pacs.start()
    settings_of = node.run
    with settings_of() as running:
        dead(node, running, eventually)
    with settings_of() as running:
        assert node.outbox(running).state == DeliveryState.DEAD
        outgoing.retry(running.database, node.delivery.id, datetime.now(UTC))
        delivered(node, running, eventually)


def test_attempts_end_in_a_dead_letter(node, eventually):
    with node.run(results={"retry_attempts": 3, "retry_first_seconds": 0.05}) as running:
        letter = dead(node, running, eventually)
    assert letter.attempts >= 3
    assert "given up after" in letter.last_error


def test_pacs_that_takes_the_connection_and_never_answers(undelivered, configured, run_node, mute, eventually):
    folder, owed = undelivered
    settings = configured({"PACS": mute.port}, folder, node={"acse_timeout": 0.5})
    with run_node(settings) as running:
        eventually("two attempts", lambda: mute.calls >= 2)
        eventually("the reason", lambda: str(mute.port) in deliveries.get(running.database, owed.id).last_error)
        assert deliveries.get(running.database, owed.id).state in (DeliveryState.PENDING, DeliveryState.SENDING)


def test_dead_destination_does_not_hold_up_the_other(undelivered, configured, run_node, mute, pacs, eventually):
    folder, owed = undelivered
    settings = configured({"PACS": mute.port, "ARCHIVE": pacs.port}, folder, node={"acse_timeout": 120})
    database = open_database(settings)
    now = datetime.now(UTC)
    document = Document(owed.series_instance_uid, owed.version, owed.sop_instance_uid, owed.kind, owed.path)
    # many results for the one that hangs, all of them older than that for the other (versions stand for series)
    ahead = [
        Document(owed.series_instance_uid, owed.version - k, f"{owed.sop_instance_uid}.{k}", owed.kind, owed.path)
        for k in range(1, 150)
    ]
    outgoing.add(database, ahead, ("PACS",), now)
    (other,) = outgoing.add(database, [document], ("ARCHIVE",), now)
    database.close()
    with run_node(settings) as running:
        eventually("the archive's", lambda: deliveries.get(running.database, other).state == DeliveryState.DELIVERED)

        def list_hanging():
            return deliveries.list_deliveries(running.database, DeliveryState.SENDING)

        eventually("the delivery that hangs", list_hanging)
        assert [item.destination for item in list_hanging()] == ["PACS"]
        assert len(pacs.received) == 1
        mute.stop()  # the node would wait for it
