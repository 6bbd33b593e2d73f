"""Readings and results without a node: a folder of `coronode score --json`, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError, Permanent, describe_fault
from scp.validating.automatic import Automatic, judge, read_automatic
from scp.validating.pairing import Paired, Theirs, pair_all
from scp.validating.table import Refused, Row

_SUFFIXES: Final = (".json", ".jsonl")


@dataclass(frozen=True, slots=True)
class Results:
    """Results by Series Instance UID; `series_of` finds a series by any name that a row may use."""

    automatic: Mapping[str, Automatic]
    series_of: Mapping[tuple[str, str], frozenset[str]]


def read_results(paths: Sequence[Path]) -> Results:
    """Read results from files, one JSON object each or one a line, and from folders of them.

    The name of a file of one result, without its ending, is the `case` of that result. Raises ConfigurationError when a
    file cannot be read, Permanent when two results are of one series or one is no result.
    """
    automatic: dict[str, Automatic] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for path, place, text in _iterate(paths):
        try:
            result = read_automatic(text)
        except ValueError as error:
            raise Permanent(f"{place}: {error}") from error
        uid = result.series_instance_uid or f"{path.stem}"
        if uid in automatic:
            raise Permanent(f"{place}: series {uid} has a result already; keep one result of each series")
        automatic[uid] = result
        known = (("series_instance_uid", uid), ("study_instance_uid", result.study_instance_uid), ("case", path.stem))
        for column, name in known:
            names.setdefault((column, name), set()).add(uid)
    return Results(automatic, {key: frozenset(uids) for key, uids in names.items()})


def pair_files(rows: Sequence[Row], results: Results, *, reader: str | None = None) -> tuple[Paired, list[Refused]]:
    """Pair rows of a table with results, and refuse rows that mean none or several."""
    refused: list[Refused] = []
    theirs: dict[tuple[str, str, str], tuple[int, Theirs]] = {}
    for row in rows:
        found = _find(row, results)
        if len(found) != 1:
            code = "row_several" if found else "row_unknown"
            refused.append(
                Refused(row.line, code, {"name": row.name, "count": len(found)} if found else {"name": row.name})
            )
            continue
        if reader is not None and row.reader.casefold() != reader.casefold():
            continue
        key = (found[0], row.reader.casefold(), row.read_on)
        one = Theirs(found[0], judge(row.total, row.arteries), row.reader, "file")
        if key in theirs:
            line, earlier = theirs[key]
            refused.append(Refused.repeated(row.line, line, same=earlier.values == one.values))
        else:
            theirs[key] = (row.line, one)
    return pair_all([one for _, one in theirs.values()], results.automatic), refused


def _find(row: Row, results: Results) -> list[str]:
    """The series that a row may mean, those that were scored if there are any."""
    found = sorted(results.series_of.get((row.column, row.name), ()))
    scored = [uid for uid in found if results.automatic[uid].values is not None]
    return scored or found


def _iterate(paths: Sequence[Path]) -> Iterator[tuple[Path, str, str]]:
    """Yield file, place and text of each result."""
    try:
        for path in paths:
            every = [path]
            if path.is_dir():
                every = sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES and one.is_file())
                if not every:
                    raise ConfigurationError(f"--results: {path} has no {' or '.join(_SUFFIXES)} file")
            for file in every:
                yield from _split(file)
    except OSError as error:
        raise ConfigurationError(f"--results: {describe_fault(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"--results: a file is not UTF-8 text (byte {error.start})") from error


def _split(file: Path) -> Iterator[tuple[Path, str, str]]:
    if file.suffix.lower() == ".jsonl":
        with file.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    # one file of many results names no case
                    yield Path(), f"{file}, line {number}", line
    else:
        yield file, str(file), file.read_text(encoding="utf-8-sig")
