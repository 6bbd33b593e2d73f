"""Files that no row of the index names: looked for beside a node that works, so never what is on its way in or out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Final

from sqlalchemy import select

from config.errors import Transient, describe_fault
from storage.backup.findings import Finding, Kind
from storage.backup.listing import NameBook
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow
from storage.objects.files import Files
from storage.series import removals

_AT_ONCE: Final = 500
_SECONDS: Final = 3600
"""A younger file may belong to a row that is about to be committed."""


def find_orphans(database: Database, files: Files, named: NameBook, clock: Callable[[], float]) -> Iterator[Finding]:
    """Find the files of a folder or bucket that no row names, neither when the rows were read (`named`) nor now.

    The names are read some hundred at a time, in whatever order they come. Raises Transient when the store goes away.
    """
    names = files.list_names()
    with refuse_absence(files):
        while some := list(islice(names, _AT_ONCE)):
            for name in list_unnamed(database, named.list_unknown(some)):
                if is_old(files, name, clock()):
                    yield Finding(Kind.ORPHAN, name, "no row of the index names this file", name=name)


def list_unnamed(database: Database, names: Sequence[str]) -> list[str]:
    """List those of some files that no row names; those that are about to be deleted are named by their removal."""
    if not names:
        return []
    with database.reading() as session:
        known = set(removals.list_noted(session, names))
        for table in (InstanceRow, QuarantineRow):
            known.update(session.scalars(select(table.path).where(table.path.in_(names))))
    return [name for name in names if name not in known]


def is_old(files: Files, name: str, now: float) -> bool:
    """Return whether a file is there for so long that its row would be. Raises OSError."""
    found = files.look_at(name)
    return found is not None and now - found.changed_at > _SECONDS


@contextmanager
def refuse_absence(files: Files) -> Iterator[None]:
    """Turn an error of the store into Transient: what cannot be seen just now is not lost."""
    try:
        yield
    except OSError as error:
        raise Transient(f"{files.place}: {describe_fault(error)}; verify again once it is back") from error
