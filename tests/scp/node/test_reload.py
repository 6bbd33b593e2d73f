"""The running node goes on by another configuration, and loses no association."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from config.settings import Settings
from scp.network.opening import AssociationRejected
from storage.intake.instances import find_instance
from tests.scp.conftest import unused_port

pytestmark = pytest.mark.component

COMMAND = [sys.executable, "-c", "from scp.cli import main; main()"]


def change(settings: Settings, **sections: dict[str, object]) -> Settings:
    """The same settings with other values in some sections."""
    written = settings.model_dump(exclude_unset=True)
    for name, values in sections.items():
        written[name] = {**written.get(name, {}), **values}
    return Settings.model_validate(written)


def peer(title: str) -> dict[str, object]:
    return {"ae_title": title, "host": "127.0.0.1"}


def test_an_open_association_of_a_peer_that_is_removed_goes_on(configured, run_node, scanner_at, patient):
    first, second, third = patient()[:3]
    settings = change(configured({}), node={"accept_unknown_peers": False})
    settings = settings.model_copy(update={"peers": Settings(peers={"OLD": peer("OLD")}).peers})
    with run_node(settings) as node:
        old, new = scanner_at(node.server.port, "OLD"), scanner_at(node.server.port, "NEW")
        with old.associated() as association:
            assert association.store(first) == 0
            with pytest.raises(AssociationRejected):
                new.send([third])
            node.adopt(settings.model_copy(update={"peers": Settings(peers={"NEW": peer("NEW")}).peers}))
            assert association.store(second) == 0
        assert new.send([third]) == [0]
        with pytest.raises(AssociationRejected):
            old.send([first])
        for image in (first, second, third):
            assert find_instance(node.database, image.SOPInstanceUID) is not None


def test_times_and_destinations_count_for_a_series_that_is_being_received(
    configured, run_node, scanner_of, patient, pacs, eventually
):
    images = patient()
    settings = change(configured({}), completion={"quiet_seconds": 600}, results={"destinations": []})
    wanted = {"PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": pacs.port}}
    with run_node(settings) as node:
        assert set(scanner_of(node).send(images)) == {0}
        node.adopt(change(settings, completion={"quiet_seconds": 1}, peers=wanted, results={"destinations": ["PACS"]}))
        eventually("the report", lambda: pacs.received)


def test_limits_and_room_count_at_once(configured, run_node, scanner_of, patient):
    settings = configured({})
    with run_node(settings) as node:
        scanner = scanner_of(node)
        with scanner.associated() as association:
            node.adopt(change(settings, node={"max_associations": 1, "reserve_mb": 0}))
            with pytest.raises(AssociationRejected):
                scanner.send(patient()[:1])
            node.adopt(change(settings, node={"reserve_mb": 1024 * 1024 * 1024}))
            assert association.store(patient()[0]) == 0xA700


def test_a_command_reloads_and_says_what_is_refused(tmp_path, eventually):
    port, log, file = unused_port(), tmp_path / "node.log", tmp_path / "coronode.toml"

    def write(**node: object) -> None:
        keys = {"port": port, "data_dir": str(tmp_path / "data"), "reserve_mb": 0} | node
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        file.write_text("\n".join(["[node]", *lines, "[web]", "port = 0", ""]))

    def reload() -> tuple[int, str]:
        arguments = [*COMMAND, "config", "reload", "--config", file]
        ended = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=120)
        return ended.returncode, ended.stdout + ended.stderr

    write()
    assert reload()[0] == 1
    with log.open("wb") as output, subprocess.Popen([*COMMAND, "serve", "--config", file], stderr=output) as node:
        try:
            eventually("the node to listen", lambda: "listens on" in log.read_text())
            write(max_associations=5)
            assert reload() == (0, "configuration reloaded; changed: node.max_associations\n")
            write(max_associations=6, ae_title="OTHER")
            code, said = reload()
            assert (code, "node.ae_title: changes at the next start of the node alone" in said) == (2, True)
            write(max_associations=6)
            node.send_signal(signal.SIGHUP)
            eventually("the reload", lambda: log.read_text().count("configuration reloaded") == 2)
            file.write_text("[node\n")
            node.send_signal(signal.SIGHUP)
            eventually("the refusal", lambda: "is not valid TOML" in log.read_text())
        finally:
            node.terminate()
        assert node.wait(60) == 0
