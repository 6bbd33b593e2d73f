"""What senders and file names contain is shown, never obeyed."""

from __future__ import annotations

import ast
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from scp import logs
from scp.outside_text import escape, escape_json
from tests.conftest import TESTS

SHOWN = [
    ("Müller^Jörg", "Müller^Jörg"),
    ("山田^太郎", "山田^太郎"),
    ("\N{IDEOGRAPHIC SPACE}x", "\N{IDEOGRAPHIC SPACE}x"),
    ("نمی\N{ZERO WIDTH NON-JOINER}خواهم", "نمی\N{ZERO WIDTH NON-JOINER}خواهم"),
    ("[red]1.2[/red]", "[red]1.2[/red]"),
    ("1\\2", "1\\2"),
    ("\x1b[2J", "\\x1b[2J"),
    ("\x9b2J", "\\x9b2J"),
    ("a\r\nb", "a\\r\\nb"),
    ("a\x00\x07\x7f", "a\\x00\\x07\\x7f"),
    ("\N{RIGHT-TO-LEFT OVERRIDE}cba", "\\u202ecba"),
    ("\N{RIGHT-TO-LEFT ISOLATE}cba", "\\u2067cba"),
    ("a\N{LINE SEPARATOR}b\N{NEXT LINE}", "a\\u2028b\\x85"),
    ("\N{ZERO WIDTH NO-BREAK SPACE}a", "\\ufeffa"),
    ("\udc80", "\\udc80"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_a_terminal_would_obey_is_shown_instead(text, shown):
    assert escape(text) == shown


@given(st.text())
def test_json_keeps_its_values(text):
    written = json.dumps({"a": [text]}, ensure_ascii=False)
    escaped = escape_json(written)
    assert json.loads(escaped) == {"a": [text]}
    assert escape(escaped) == escaped


@pytest.fixture
def logged(capsys):
    """`logged(form, event, **values)`: the lines that an event makes."""

    def write(form, event, **values):
        logs.configure("debug", form)
        structlog.get_logger("test").warning(event, **values)
        return capsys.readouterr().err

    return write


HOSTILE = "CT1\x1b[2J\n2026-01-02T00:00:00Z [info     ] scored \N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_of_legible_characters(logged, form):
    for line in (logged(form, "association refused", calling=HOSTILE, sizes=[HOSTILE], count=3), logged(form, HOSTILE)):
        assert line.endswith("\n")
        assert line[:-1].isprintable()
    if form == "json":
        event = json.loads(logged(form, "refused", calling="CT1", count=3))
        assert (event["calling"], event["count"]) == ("CT1", 3)


def test_a_trace_keeps_its_lines_and_none_passes_for_an_event(logged):
    try:
        int(HOSTILE)
    except ValueError as error:
        error.add_note(HOSTILE)
        text = logged("text", "failed", exc_info=True)
    first, *others = text.rstrip("\n").split("\n")
    assert "failed" in first
    assert len(others) > 3
    assert all(line.startswith("    ") or not line for line in others[1:])
    assert all(line.isprintable() for line in others)


def test_events_of_libraries_are_escaped_too(capsys):
    logs.configure("info")
    logging.getLogger("some.library").warning("a value: %s", HOSTILE)
    assert capsys.readouterr().err.rstrip("\n").isprintable()


def test_commands_print_through_one_function():
    """It escapes; `click.echo` and `print` do not."""
    root = TESTS.parent / "scp"
    for path in sorted((root / "cli").rglob("*.py")):
        if path != root / "cli/terminal/output.py":
            calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
            direct = [
                ast.unparse(call) for call in calls if ast.unparse(call) in ("click.echo", "click.secho", "print")
            ]
            assert not direct, path
