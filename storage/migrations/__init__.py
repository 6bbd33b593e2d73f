"""The revisions of the tables, applied by `Database.migrate`."""

from typing import Final

HEAD: Final = "0024"
"""The latest revision: a database that has it needs no migration."""

VERSION_TABLE: Final = "coronode_version"

OLDEST: Final = "0017"
"""The revision of the oldest version of the node that can work with the tables of `HEAD`, beside newer ones or again.

It is raised when a revision changes or removes something that such a version reads or writes.
"""

OLDEST_TABLE: Final = "coronode_oldest"
