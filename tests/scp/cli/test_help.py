"""Every command and group: its help, its examples, its exit statuses, and what it imports to show them."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from config.settings import Settings
from scp.cli import cli
from storage.database.opening import open_database

ROOT = Path(__file__).parents[3]
HEAVY = {"alembic", "dbos", "highdicom", "numpy", "pydicom", "pynetdicom", "scipy", "sqlalchemy", "typst"}


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each group and command under a command, with the words that call it."""
    yield path, command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                below = command.get_command(context, name)
                assert below is not None, name
                yield from walk(below, (*path, name))


EVERY = dict(walk(cli))
LEAVES = {path: command for path, command in EVERY.items() if not isinstance(command, click.Group)}
JSON = [path for path, command in LEAVES.items() if any("--json" in option.opts for option in command.params)]


def name_of(path: tuple[str, ...]) -> str:
    return " ".join(("coronode", *path))


def loaded(*arguments: str, folder: Path) -> set[str]:
    """The top-level modules that a command imports, in a process of its own."""
    code = (
        "import sys\n"
        "from scp.start import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*{name.partition('.')[0] for name in sys.modules}, *sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stderr.split())


def test_the_commands_of_the_design_are_there():
    named = {"serve", "demo", "score", "report", "phantom", "echo", "send", "series", "outbox", "quarantine"}
    named |= {
        "account",
        "audit",
        "calibrate",
        "config",
        "conformance",
        "doctor",
        "fetch",
        "group",
        "retention",
        "ready",
        "setup",
        "validate",
    }
    named |= {"backup", "database", "restore", "verify"}
    assert {path[0] for path in EVERY if path} == named


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_help_shows_examples_as_lines(path, coronode):
    ended = coronode(*path, "--help")
    assert ended.code == 0
    assert ended.err == ""
    assert "\\b" not in ended.out
    assert "\b" not in ended.out
    examples = ended.out.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
    assert examples
    for line in examples:
        assert line.startswith(f"  {name_of(path)}"), line
        assert not line.endswith(" ")


@pytest.mark.parametrize("path", LEAVES, ids=name_of)
def test_an_example_names_options_and_arguments_that_there_are(path):
    command = LEAVES[path]
    for line in command.examples:
        words = shlex.split(line)[1 + len(path) :]
        with click.Context(command) as context:
            values, rest, _ = command.make_parser(context).parse_args(words)
        assert not rest, line
        assert all(values.get(item.name) for item in command.params if item.required), line


@pytest.mark.parametrize("path", EVERY, ids=name_of)
def test_a_wrong_option_is_exit_2_and_leaves_standard_output_empty(path, coronode):
    ended = coronode(*path, "--no-such-option")
    assert (ended.code, ended.out) == (2, "")
    assert "--no-such-option" in ended.err


def test_each_entry_describes_its_command_in_one_line(coronode):
    lines = coronode("--help").out.splitlines()
    width = max(map(len, cli.entries))
    for name, entry in cli.entries.items():
        assert f"  {name:{width}}  {entry.summary}" in lines
        assert re.fullmatch(r"[A-Z][^.]*\.", entry.summary)


def test_scripts_can_read_lists_settings_and_checks(coronode, tmp_path):
    assert {("series", "list"), ("series", "show"), ("outbox", "list"), ("config", "show"), ("doctor",)} < set(JSON)
    assert ("quarantine", "list") in JSON
    open_database(Settings(node={"data_dir": tmp_path / "coronode-data"})).close()
    for path in (("series", "list"), ("outbox", "list"), ("quarantine", "list"), ("config", "show"), ("doctor",)):
        json.loads(coronode(*path, "--json").out)


class TestImports:
    @pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
    def test_help_and_version_import_no_command(self, arguments, tmp_path):
        modules = loaded(*arguments, folder=tmp_path)
        assert modules & (HEAVY | {"pydantic", "rich", "scoring", "storage"}) == set()

    @pytest.mark.parametrize("module", sorted({entry.module for entry in cli.entries.values()}))
    def test_help_of_a_command_imports_nothing_that_it_does_not_show(self, module, tmp_path):
        command = next(name for name, entry in cli.entries.items() if entry.module == module)
        modules = loaded(command, "--help", folder=tmp_path)
        assert modules & (HEAVY | {"rich", "scoring.result", "scp.node", "structlog"}) == set()

    def test_a_list_imports_neither_the_node_nor_what_reads_images(self, tmp_path):
        open_database(Settings(node={"data_dir": tmp_path / "coronode-data"})).close()
        modules = loaded("series", "list", "--json", folder=tmp_path)
        assert modules & (HEAVY - {"sqlalchemy"} | {"rich", "scp.node"}) == set()
        assert "sqlalchemy" in modules

    @pytest.mark.parametrize("path", [path for path in LEAVES if path not in {("serve",), ("demo",)}], ids=name_of)
    def test_only_what_runs_a_node_names_it(self, path):
        module = sys.modules[LEAVES[path].callback.__module__]
        assert not re.search(r"(import|from) scp\.(node|durable)\b", Path(module.__file__).read_text("utf-8"))
