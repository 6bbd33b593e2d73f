"""Compare the results of two versions: every number, lesion, code and status must be the same.

    python bench/compare_scores.py BEFORE AFTER [--scans FOLDER ...]

BEFORE and AFTER are folders of results as `coronode score SERIES --json` prints them, one file a series under the same
name. With --scans the installed version first scores every series below those folders into AFTER: FOLDER/a/b becomes
FOLDER_a_b.json. Sentences may be worded differently, and AFTER may have more fields. Exit status 1 when anything else
differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from scoring import engine

# the sentences of a result: their codes are compared, their words may change
_WORDED: Final = frozenset({"message", "reason", "caveats", "notes", "differences", "citations", "mass_factor_origin"})
_WORDED_ENDS: Final = ("_reason",)
# the reference values beside the scans
_NO_IMAGE: Final = frozenset({".json", ".md"})


def main() -> int:
    """Print every difference and the number of results that were compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--scans", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    for folder in options.scans:
        score_all(folder, options.after)
    names = sorted(path.name for path in options.before.glob("*.json"))
    count = 0
    for name in names:
        path = options.after / name
        lines = [f"{path}: not there"]
        if path.is_file():
            before, after = (json.loads(file.read_text("utf-8")) for file in (options.before / name, path))
            lines = list(differences(before, after))
        for line in lines:
            print(f"{name}: {line}")
        count += bool(lines)
    print(f"{len(names)} results compared, {count} differ")
    return 1 if count or not names else 0


def score_all(folder: Path, out: Path) -> None:
    """Score every series below a folder with the installed version."""
    out.mkdir(parents=True, exist_ok=True)
    for series in sorted(
        {path.parent for path in folder.rglob("*") if path.is_file() and path.suffix not in _NO_IMAGE}
    ):
        name = "_".join((folder.name, *series.relative_to(folder).parts))
        (out / f"{name}.json").write_text(engine.score([series]).to_json(indent=2), "utf-8")


def differences(before: Any, after: Any, place: str = "score") -> Iterator[str]:
    """Everything in `before` that `after` lacks or has otherwise; sentences only have to be there."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{place}.{name}: is gone"
            elif name not in _WORDED and not name.endswith(_WORDED_ENDS):
                yield from differences(value, after[name], f"{place}.{name}")
            elif bool(value) != bool(after[name]):
                yield f"{place}.{name}: {value!r} before, {after[name]!r} after"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from differences(*pair, f"{place}[{index}]")
    elif before != after:
        yield f"{place}: {before!r:.200} before, {after!r:.200} after"


if __name__ == "__main__":
    sys.exit(main())
