"""The revisions of the tables, applied by `Database.migrate`."""

from typing import Final

HEAD: Final = "0022"
"""The latest revision: a database that has it needs no migration."""

VERSION_TABLE: Final = "coronode_version"
