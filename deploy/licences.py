"""Write the list of what an installation contains, with the licence of each part: docs/licences.md.

The packages are those that uv.lock names for the node and its extras; their licences are read from what is installed.

    uv run --frozen --all-extras python deploy/licences.py
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "licences.md"
_HEAD: Final = """\
# Licences

Coronode is under the [Apache License 2.0](../LICENSE). An installation also contains the following packages, each under
a licence of its own. `deploy/licences.py` writes this list from the lock file and from what the packages say of
themselves; `just sbom` writes it with versions and hashes, as CycloneDX, for programs that look for known weaknesses.

| Package | Licence | For |
| --- | --- | --- |
"""
_TAIL: Final = """\

The pages bring scripts of others, whose licences stand in full in `scp/web/static/built/LICENSES.txt`; the fonts of
the documents are named in `scoring/report/typeset/fonts/README.md`.
"""
_CLASSIFIER: Final = "License :: OSI Approved :: "


def list_packages(lock: Mapping[str, Any]) -> dict[str, str]:
    """Return the packages of an installation, each with the extra that asks for it, "" for the node itself."""
    packages = {package["name"]: package for package in lock["package"]}
    ours = packages["coronode"]
    found: dict[str, str] = {}
    extras = {"": ours["dependencies"], **ours.get("optional-dependencies", {})}
    for extra, needed in extras.items():
        for name in _close(packages, needed):
            found.setdefault(name, extra)
    return dict(sorted(found.items()))


def format_page(found: Mapping[str, str]) -> str:
    """Return the page."""
    rows = (f"| {_link(name)} | {read_licence(name)} | {_name_extra(extra)} |\n" for name, extra in found.items())
    return "".join([_HEAD, *rows, _TAIL])


def read_licence(name: str) -> str:
    """Return what an installed package says of its licence. Raises PackageNotFoundError."""
    about = metadata(name)
    said = about.get("License-Expression") or _read_classifiers(about) or (about.get("License") or "").split("\n")[0]
    return said.strip() or "see the package"


def _close(packages: Mapping[str, Any], needed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    seen: set[str] = set()
    waiting = list(needed)
    while waiting:
        item = waiting.pop()
        if "marker" in item and not Marker(item["marker"]).evaluate():
            continue
        package = packages[item["name"]]
        inner = [part for extra in item.get("extra", ()) for part in package["optional-dependencies"][extra]]
        waiting += inner
        if item["name"] not in seen:
            seen.add(item["name"])
            waiting += package.get("dependencies", [])
            yield item["name"]


def _name_extra(extra: str) -> str:
    return f"extra `{extra}`" if extra else ""


def _link(name: str) -> str:
    return f"[{name}](https://pypi.org/project/{name}/)"


def _read_classifiers(about: PackageMetadata) -> str:
    named = [value.removeprefix(_CLASSIFIER) for value in about.get_all("Classifier") or () if _CLASSIFIER in value]
    return ", ".join(re.sub(r"\s*\((.*)\)$", r" (\1)", value) for value in named)


def main() -> None:
    """Write the page; says which packages have to be installed for it."""
    found = list_packages(tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8")))
    try:
        page = format_page(found)
    except PackageNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed; run it with: uv run --frozen --all-extras") from error
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
