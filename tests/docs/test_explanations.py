"""What the documents list is what the code has: keys, states, reasons, flags, fields."""

from __future__ import annotations

import ast
import re
from dataclasses import fields

import pytest
from pydantic_core import PydanticUndefined

from config.load import load, read_defaults
from config.settings import PeerSettings, Settings
from config.storage import S3Settings
from config.tls import TlsSettings
from config.web import OidcSettings
from scoring.candidates import conventions
from scoring.result import Lesion, RejectedCandidate, Score
from scp.cli.terminal.score_table import COLUMNS
from storage.outbox.deliveries import DeliveryState
from storage.series.states import State

SECTIONS = {name: field.annotation for name, field in Settings.model_fields.items() if name != "peers"}
SECTIONS["node.tls"] = TlsSettings
SECTIONS["web.oidc"] = OidcSettings
SECTIONS["storage.s3"] = S3Settings
SECTIONS["peers.NAME"] = PeerSettings
EVERY_SECTION = pytest.mark.parametrize(("name", "model"), SECTIONS.items(), ids=SECTIONS)


@EVERY_SECTION
def test_every_key_is_explained_with_its_default(configuring, name, model):
    head = next(line[3:] for line in configuring.text.splitlines() if line.startswith(f"## `[{name}]`"))
    told = {row[0]: row[1] for row in configuring.section(head).table("Key", "Default")}
    keys = {key: field for key, field in model.model_fields.items() if f"{name}.{key}" not in SECTIONS}
    assert list(told) == list(keys)
    for key, field in keys.items():
        default = field.default
        if default is PydanticUndefined or default is None:
            assert told[key] == ("none" if default is None else "required"), key
        else:
            assert told[key] == in_toml(default), key


def in_toml(value: object) -> str:
    """A default as a TOML file spells it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(in_toml(item) for item in value)}]"
    if value == {}:
        return "{}"
    return f'"{value}"'


@EVERY_SECTION
def test_defaults_file_names_every_key(name, model):
    head = re.escape(name.replace("NAME", "PACS"))
    part = re.search(rf"^(?:# )?\[{head}\]$(.*?)(?=^(?:# )?\[|\Z)", read_defaults(), re.DOTALL | re.MULTILINE)
    assert part
    keys = [key for key in model.model_fields if f"{name}.{key}" not in SECTIONS]
    assert re.findall(r"^(?:# )?(\w+) = ", part[1], re.MULTILINE) == keys


def test_defaults_file_holds_the_defaults(tmp_path):
    file = tmp_path / "coronode.toml"
    file.write_text(read_defaults(), "utf-8")
    assert load(file) == Settings()


def test_conventions_are_listed_with_their_rules(scoring_page):
    rows = {row[0]: tuple(row[1:]) for row in scoring_page.table("scoring.convention")}
    assert set(rows) == set(conventions.PRESETS)
    for name, preset in conventions.PRESETS.items():
        least, unit = preset.minimum_area_mm2, "mm2"
        if preset.minimum_pixels > 1:
            least, unit = preset.minimum_pixels, "pixels"
        words = f"{'over ' if preset.strict_area else ''}{least:g} {unit}" if least else "any"
        assert rows[name] == (words, str(preset.connectivity), preset.volume), name


def test_thresholds_by_voltage_are_those_of_the_code(scoring_page):
    rows = {int(kvp): tuple(float(value) for value in values.split(",")) for kvp, values in scoring_page.table("kVp")}
    assert rows == dict(conventions.BY_KVP)


def test_states_are_those_of_the_code(operating):
    assert [row[0] for row in operating.section("The state of a series").table("State")] == [*State]
    assert [row[0] for row in operating.section("The outbox").table("State")] == [*DeliveryState]


@pytest.fixture(scope="module")
def calls(root):
    """For each name that is called in what is shipped: constant arguments (None where not constant) of every call."""
    found: dict[str, list[list[object]]] = {}
    for path in [*root.glob("scoring/**/*.py"), *root.glob("scp/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                values = [getattr(argument, "value", None) for argument in node.args]
                found.setdefault(ast.unparse(node.func), []).append(values)
    return found


def test_every_reason_is_explained(scoring_page, calls):
    given = {values[0] for values in calls["NotScorable"] if isinstance(values[0], str)}
    assert {row[0] for row in scoring_page.section("When there is no score").table("Code")} == given


def test_every_flag_is_explained(scoring_page, calls):
    built = [*calls["Flag"], *calls["Flag.build"]]
    given = {tuple(values[:2]) for values in built if all(isinstance(value, str) for value in values[:2])}
    assert {(row[0], row[1]) for row in scoring_page.section("Flags").table("Code")} == given - {()}


def test_every_field_of_the_result_is_explained(scoring_page):
    part = scoring_page.section("The result as JSON")
    assert [row[0] for row in part.table("Field of a lesion")] == [field.name for field in fields(Lesion)]
    rejected = [row[0] for row in part.table("Field of a rejected candidate")]
    assert rejected == [field.name for field in fields(RejectedCandidate)]
    assert {row[0] for row in part.table("Field")} == {field.name for field in fields(Score)}


def test_columns_of_the_table_are_listed(scoring_page):
    part = re.sub(r"\(.*?\)", "", scoring_page.section("`scores.csv`").text)
    assert tuple(re.findall(r"`(\w+)`", part)) == COLUMNS
