"""Measure what readers at the pages cost receiving: the same CT slices while ten readers review, and without.

One node holds ten scored series of 512 x 512. In each round it takes CT slices of 527 kB over 1 and then 4
associations, once alone and once while ten readers scroll and edit (`reviewers.py`), the order changing from round to
round. Ratios are within a round.

    python bench/web.py --out web.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from peers import CORONODE, Receiver, Running, configuration, free_port, started
from pydicom import dcmread
from receive import ASSOCIATIONS, Measured, measure, send
from table import machine, median, number, ratio, table, write

from config.load import load
from dicom.process import configure_process
from scoring import engine
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import PhantomSpec
from storage.database.opening import open_database
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
from storage.series import lifecycle
from storage.series.store import open_store

READERS: Final = 10
KINDS: Final = ("alone", "with readers")
_WARM_UP: Final = 20


def make_series(folder: Path, copies: int) -> dict[str, tuple[str, list[bytes]]]:
    """Score one phantom, and return so many copies of it: score and files of each by Series Instance UID."""
    scan = folder / "scan"
    paths = write_series(make_phantom(PhantomSpec()), scan)
    score = engine.score([scan])
    made = {}
    for _ in range(copies):
        names = {score.series.study_instance_uid: _new_uid(), score.series.series_instance_uid: _new_uid()}
        files = []
        for path in paths:
            image = dcmread(path)
            names[image.SOPInstanceUID] = _new_uid()
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = names[image.SOPInstanceUID]
            image.StudyInstanceUID = names[image.StudyInstanceUID]
            image.SeriesInstanceUID = names[image.SeriesInstanceUID]
            buffer = BytesIO()
            image.save_as(buffer, enforce_file_format=True)
            files.append(buffer.getvalue())
        text = score.to_json()
        for old, new in names.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        made[names[score.series.series_instance_uid]] = text, files
    return made


def store_series(config: Path, made: dict[str, tuple[str, list[bytes]]]) -> None:
    """Store scored series in the data folder of a node that does not run."""
    settings, now = load(config), datetime.now(UTC)
    with closing(open_database(settings)) as database:
        files = open_store(settings, database)
        for series, (score, contents) in made.items():
            for content in contents:
                image = dcmread(BytesIO(content), stop_before_pixels=True)
                header = InstanceHeader.from_dataset(image, str(image.file_meta.TransferSyntaxUID))
                with files.incoming(header.transfer_syntax_uid) as incoming:
                    incoming.write(content)
                    stored = incoming.commit(header.file_name(incoming.sha256))
                register(database, files, header, stored, now=now)
            lifecycle.complete(database, series, now, expected=len(contents))
            lifecycle.start_scoring(database, series, 1, now)
            lifecycle.finish(database, series, 1, score, "scored", now=now)


@contextmanager
def reading(address: str, series: Sequence[str], outcomes: list[dict[str, Any]]) -> Iterator[None]:
    """Let one reader work on each series while the block runs."""
    program = str(Path(__file__).with_name("reviewers.py"))
    with subprocess.Popen(
        ["nice", "-n", "19", sys.executable, program, address, *series],  # readers sit at other machines
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as readers:
        if readers.stdout is None or readers.stdout.readline() != "ready\n":
            raise RuntimeError("the readers did not start")
        yield
        outcomes.append(json.loads(readers.communicate(timeout=300)[0]))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, default=400, help="slices a measurement")
    parser.add_argument("--out", type=Path, help="a file for the table, in Markdown")
    arguments = parser.parse_args()
    configure_process()
    results: list[tuple[str, Measured]] = []
    outcomes: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="coronode-bench-") as name:
        made = make_series(Path(name), READERS)
        web = free_port()

        def command(folder: Path, port: int) -> Sequence[str]:
            config = configuration(folder, port)
            config.write_text(config.read_text("utf-8").replace("[web]\nport = 0", f"[web]\nport = {web}"), "utf-8")
            store_series(config, made)
            return [*CORONODE, "serve", "--config", str(config)]

        with started(Receiver("coronode", "Coronode, durable", command), Path(name) / "node") as running:
            send(running.port, [["--objects", str(_WARM_UP)]])
            for turn in range(arguments.rounds):
                for kind in KINDS if turn % 2 else KINDS[::-1]:
                    print(f"round {turn + 1}: {kind}", file=sys.stderr)
                    if kind == "alone":
                        results += [(kind, item) for item in _measure(running, turn, arguments.objects)]
                        continue
                    with reading(f"http://127.0.0.1:{web}", list(made), outcomes):
                        results += [(kind, item) for item in _measure(running, turn, arguments.objects)]
    write(_format(results, outcomes), arguments.out)


def _measure(running: Running, turn: int, objects: int) -> Iterator[Measured]:
    for associations in ASSOCIATIONS:
        each = max(1, objects // associations)
        yield measure(running, turn, [["--objects", str(each)]] * associations, each * associations, 0.1)


def _format(results: Sequence[tuple[str, Measured]], outcomes: Sequence[dict[str, Any]]) -> str:
    rows = []
    for associations in ASSOCIATIONS:
        rates = {
            kind: {item.round: item.rate for own, item in results if own == kind and item.associations == associations}
            for kind in KINDS
        }
        alone, busy = rates.values()
        cells = (number(median(alone.values())), number(median(busy.values())), number(ratio(busy, alone), 2))
        rows.append((str(associations), *cells))
    text = table(("associations", *(f"objects/s {kind}" for kind in KINDS), "ratio"), rows)
    clicks = "; ".join(
        f"{item['edits']} edits ({_seconds(item['edit_seconds'])}), "
        f"{item['frames']} slices ({_seconds(item['frame_seconds'])})"
        for item in outcomes
    )
    errors = [error for item in outcomes for error in item["errors"]]
    return "\n".join(
        (machine(), "", text, "", f"Readers, by round, medians: {clicks}; errors: {errors or 'none'}.", "")
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} s"


def _new_uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


if __name__ == "__main__":
    main()
