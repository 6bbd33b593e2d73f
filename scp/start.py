"""Entry point of the console script: it checks that the packages are ours, then runs the command line.

The five import names are generic. If another distribution installs one of them, ours would run with foreign code or
not at all, so the start is refused before anything of ours is imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("scp", "scoring", "storage", "config", "dicom")


def find_shadowed() -> list[str]:
    """List our import packages that come from somewhere else, each with its origin."""
    home = Path(__file__).resolve().parent.parent
    wrong = []
    for name in PACKAGES:
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None or origin.parent.parent != home:
            wrong.append(f"{name} is {'missing' if origin is None else origin}")
    return wrong


def main() -> None:
    """Run the command line, unless another distribution hides one of our packages (exit status 2)."""
    wrong = find_shadowed()
    if wrong:
        sys.stderr.write(
            f"coronode: another distribution hides a package of this one: {'; '.join(wrong)}; "
            "install coronode in an environment of its own (uv tool install, or a new venv)\n"
        )
        sys.exit(2)
    import_module("config.isolation").isolate_process()
    import_module("scp.cli").main()
