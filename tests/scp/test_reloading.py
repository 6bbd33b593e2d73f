"""The configuration is read again: all of it is taken up, or nothing."""

from __future__ import annotations

import pytest

from config.errors import ConfigurationError, Transient
from config.settings import Settings
from scp.reloading import Reloading


class Node:
    """Keeps what it was handed; `fails` is what a step raises instead."""

    def __init__(self) -> None:
        self.written = Settings()
        self.adopted: list[Settings] = []
        self.noted: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.reload = Reloading(Settings(), read=self._read, check=self._check, adopt=self._adopt, note=self._note)

    def _fail(self, step: str) -> None:
        if step in self.fails:
            raise self.fails[step]

    def _read(self) -> Settings:
        self._fail("read")
        return self.written

    def _check(self, _: Settings) -> None:
        self._fail("check")

    def _adopt(self, settings: Settings) -> None:
        self._fail("adopt")
        self.adopted.append(settings)

    def _note(self, keys: str) -> None:
        self._fail("note")
        self.noted.append(keys)


@pytest.fixture
def node() -> Node:
    return Node()


QUICK = Settings.model_validate({"completion": {"quiet_seconds": 5}, "node": {"log_level": "debug"}})
MOVED = Settings.model_validate({"completion": {"quiet_seconds": 5}, "node": {"port": 104}})


def test_what_changed_is_adopted_noted_and_said(node):
    node.written = QUICK
    outcome = node.reload()
    assert (outcome.kind, outcome.keys) == ("changed", ("node.log_level", "completion.quiet_seconds"))
    assert node.adopted == [QUICK]
    assert node.noted == ["node.log_level, completion.quiet_seconds"]
    assert node.reload().kind == "same"


def test_files_of_the_same_configuration_are_read_again(node):
    assert node.reload().kind == "same"
    assert node.adopted == [Settings()]
    assert node.noted == []


def test_one_key_that_needs_a_new_start_refuses_all(node):
    node.written = MOVED
    outcome = node.reload()
    assert outcome.kind == "refused"
    assert outcome.words.startswith("node.port: changes at the next start of the node alone")
    assert node.adopted == []
    node.written = QUICK
    assert node.reload().kind == "changed"


@pytest.mark.parametrize("step", ["read", "check", "adopt"])
def test_a_step_that_fails_leaves_the_configuration_in_force(node, step):
    node.written, node.fails[step] = QUICK, ConfigurationError("site.toml: is not valid TOML")
    outcome = node.reload()
    assert (outcome.kind, outcome.words) == (
        "refused",
        "site.toml: is not valid TOML; the configuration in force stays",
    )
    assert (node.adopted, node.noted) == ([], [])
    node.fails.clear()
    assert node.reload().keys == ("node.log_level", "completion.quiet_seconds")


def test_a_database_that_is_away_keeps_nothing_from_being_changed(node):
    node.written, node.fails["note"] = QUICK, Transient("away")
    assert node.reload().kind == "changed"
    assert node.reload().kind == "same"


def test_a_comparison_changes_nothing(node):
    node.written = QUICK
    assert node.reload.compare().kind == "changed"
    node.written = MOVED
    assert node.reload.compare().kind == "refused"
    assert node.adopted == []
