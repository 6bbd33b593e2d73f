"""The table of keys in docs/reviewing.md is what the page of reviews obeys."""

from __future__ import annotations

import json
from pathlib import Path

from scoring.report.common.texts import load_english

ROOT = Path(__file__).parents[2]


def test_the_page_of_reviewing_lists_every_key():
    texts = load_english().words
    rows = json.loads((ROOT / "scp/web/browser/review/keys.json").read_text("utf-8"))
    page = (ROOT / "docs/reviewing.md").read_text("utf-8")
    written = [line for line in page.split("## Keys")[1].splitlines() if line.startswith("| ")][2:]

    def name(key: str) -> str:
        parts = key.split("+") if len(key) > 1 else [key]
        return " + ".join(texts.get(f"viewer.key_{part}", part.upper() if len(part) == 1 else part) for part in parts)

    obeyed = [
        f"| {texts['viewer.action_' + row['action']]} | {', '.join(f'`{name(key)}`' for key in row['keys'])} |"
        for row in rows
    ]
    assert written == obeyed


def test_no_key_does_two_things():
    rows = json.loads((ROOT / "scp/web/browser/review/keys.json").read_text("utf-8"))
    keys = [key for row in rows for key in row["keys"]]
    assert len(keys) == len(set(keys))
