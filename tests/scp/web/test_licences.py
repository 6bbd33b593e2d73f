"""The licences of what the scripts of the pages contain are shipped with them."""

from __future__ import annotations

import json
import re
from pathlib import Path

WEB = Path(__file__).parents[3] / "scp/web"
TEXT = (WEB / "static/built/LICENSES.txt").read_text("utf-8")
ENTRIES = dict(re.findall(r"^-{80}\n(\S+) (\S+) \(.+\)\n-{80}$", TEXT, re.MULTILINE))


def test_every_package_has_the_version_of_the_lock_file():
    locked = json.loads((WEB / "browser/package-lock.json").read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in ENTRIES} == ENTRIES


def test_every_package_that_is_asked_for_is_named():
    # what those contain in turn the build adds: it fails where a package has no text of its licence
    asked = json.loads((WEB / "browser/package.json").read_text("utf-8"))["dependencies"]
    assert set(asked) <= set(ENTRIES)
    assert "@kitware/vtk.js" in ENTRIES


def test_every_package_has_the_text_of_its_licence():
    texts = re.split(r"^-{80}\n.+\n-{80}\n", TEXT, flags=re.MULTILINE)[1:]
    assert len(texts) == len(ENTRIES)
    for name, text in zip(ENTRIES, texts, strict=True):
        assert re.search(r"(?i)permission (is hereby granted|to use)|redistribution and use|public license", text), name
