"""Statements that are run for every object: compiled once a dialect, then given to the driver as they are.

SQLAlchemy builds and looks up a statement at each execution, which costs more than SQLite's own work on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler


@dataclass(frozen=True, slots=True)
class _Compiled:
    text: str
    names: tuple[str, ...] | None
    processors: Mapping[str, Callable[[Any], Any]]

    def parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...] | dict[str, Any]:
        """The values as the driver takes them: by position, or by name."""
        given = {
            name: self.processors[name](value) if name in self.processors else value for name, value in values.items()
        }
        return given if self.names is None else tuple(given[name] for name in self.names)


class Prepared:
    """A statement with named parameters, all of which are given at each run."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """Execute it once."""
        compiled = self._of(connection.dialect)
        return connection.exec_driver_sql(compiled.text, compiled.parameters(values))

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each of the rows."""
        compiled = self._of(connection.dialect)
        parameters: Any = [compiled.parameters(row) for row in rows]
        connection.exec_driver_sql(compiled.text, parameters)

    def _of(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return found


def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    if not isinstance(compiled, SQLCompiler):
        raise TypeError("not a statement of rows")
    processors = {
        name: processor
        for name, parameter in compiled.binds.items()
        if (processor := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    names = None if compiled.positiontup is None else tuple(compiled.positiontup)
    return _Compiled(str(compiled), names, processors)
