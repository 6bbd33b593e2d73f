"""Every document: links lead somewhere, commands are commands, configuration loads."""

from __future__ import annotations

import os
import re
import shlex

import click
import pytest

from config.load import load
from scp.cli import cli

WRAPPED = (
    [".uv/bin/uv", "run", "--frozen", "--no-dev"],
    ["sudo", "-u", "coronode"],
    ["docker", "exec", "coronode"],
)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("CORONODE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def commands(page) -> list[list[str]]:
    """The words after `coronode` of every such command in the console blocks."""
    lines = [line[2:] for block in page.blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    parts = [arguments(shlex.split(part.partition(" > ")[0])) for line in lines for part in line.split("&&")]
    return [words for words in parts if words is not None]


def arguments(words: list[str]) -> list[str] | None:
    """What a command line gives to `coronode`; None when it runs something else."""
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    for prefix in WRAPPED:
        if words[: len(prefix)] == prefix:
            words = words[len(prefix) :]
    return words[1:] if words[:1] == ["coronode"] else None


def parse(words: list[str]) -> None:
    """Let click read a command line as far as it goes without touching files. Raises click.UsageError."""
    command: click.Command = cli
    context = click.Context(cli, info_name="coronode")
    while isinstance(command, click.Group):
        if command.invoke_without_command and (not words or words[0].startswith("-")):
            break  # a group that is a command of its own, too
        name, found, words = command.resolve_command(context, list(words))
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    if rest:
        raise click.UsageError(f"too many arguments: {rest}")
    for parameter in command.params:
        value = values.get(parameter.name)
        given = value not in (None, ()) and not repr(value).startswith("Sentinel")
        if parameter.required and not given:
            raise click.MissingParameter(ctx=context, param=parameter)
        if given and not isinstance(parameter.type, click.Path):
            parameter.type_cast_value(context, value)


def test_links_lead_somewhere(page, every_page, root):
    anchors = {other.path: other.anchors() for other in every_page}
    for target in re.findall(r"\]\(([^)\s]+)\)", page.prose()):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        aim = (page.path.parent / name).resolve() if name else page.path
        assert aim.exists(), target
        assert aim.is_relative_to(root), target
        if anchor:
            assert anchor in anchors[aim], f"no heading for {target}"


def test_commands_are_valid(page):
    for words in commands(page):
        try:
            parse(words)
        except click.UsageError as error:
            pytest.fail(f"coronode {shlex.join(words)}: {error.format_message()}")


def test_console_blocks_begin_with_a_prompt(page):
    for block in page.blocks("console"):
        assert block.startswith("$ "), block


def test_configuration_loads(page, tmp_path):
    for number, block in enumerate(page.blocks("toml")):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, "utf-8")
        load(file)


@pytest.mark.parametrize(
    "line",
    [
        "coronode serve --port 104",
        "coronode nothing",
        "coronode echo",
        "coronode outbox retry twelve",
        "coronode score folder --convention nobody",
        "coronode doctor folder",
    ],
)
def test_a_wrong_command_is_found(line):
    words = arguments(shlex.split(line))
    assert words is not None
    with pytest.raises(click.UsageError):
        parse(words)


def test_readme_sets_up_in_one_line_each(readme, root):
    lines = [line for line in readme.text.splitlines() if line.startswith("$ python3 -m pip install")]
    assert len(lines) == 2
    assert lines[0].endswith("run --frozen --no-dev coronode demo")
    tests = lines[1].rpartition("/")[2]
    assert tests.startswith("uv run --frozen pytest")
    assert (root / ".ci/run").read_text("utf-8").splitlines()[-1] == tests


def test_every_page_is_in_the_index(readme, root):
    index = re.findall(r"\]\(docs/([\w-]+\.md)\)", readme.section("Documentation").text)
    assert sorted(index) == sorted(path.name for path in (root / "docs").glob("*.md"))


def test_pictures_are_small(root):
    assert sum(path.stat().st_size for path in (root / "docs/images").iterdir()) < 900_000


def test_every_command_is_shown(every_page):
    shown = {words[0] for page in every_page for words in commands(page) if words}
    assert shown == set(cli.list_commands(click.Context(cli)))
