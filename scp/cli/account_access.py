"""How commands change accounts: as the user of the shell, who appears in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import CoronodeError
from scp.cli.index import open_index

if TYPE_CHECKING:
    from scp.web.accounts.administration import Administration


@contextmanager
def administer(config_file: Path | None, *, make: bool = False) -> Iterator[Administration]:
    """Open the accounts, with `make` also where no node has run yet.

    Raises CoronodeError, in the words of the pages.
    """
    from scoring.report.common.texts import load_english
    from scp.installation import utc_now
    from scp.web.accounts.administration import Administration
    from scp.web.accounts.passwords import Hasher
    from storage.accounts.refusals import AccountRefused

    with open_index(config_file, make=make) as database:
        try:
            yield Administration(database, Hasher(), utc_now(), actor=f"shell:{find_user()}")
        except AccountRefused as error:
            raise CoronodeError(load_english()(f"accounts.refused_{error.code}", **error.values)) from None


def find_user() -> str:
    """Return the system's name of whoever runs the command."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
