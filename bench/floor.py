"""The durable floor of a disk: what any receiver must do that keeps an object and its row before it answers.

Per object: the bytes of a CT slice written to a file of its own, one fdatasync, and its row in the tables of the index,
committed (write-ahead log, synchronous FULL). No network, no DICOM, no digest, no second name. Several writers are
threads; they share the index, one commit at a time, and nothing else.

    python bench/floor.py FOLDER --writers 4 --objects 200
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import traffic
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dsutils import encode

from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader

_PIECE: Final = 128 * 1024
_COUNTED: Final = "UPDATE series SET instance_count = instance_count + 1 WHERE id = ?"


class Floor:
    """A folder and an index on one disk, with one study in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data, self._columns, self._row = _prepare(folder)
        marks = ", ".join("?" * len(self._columns))
        self._insert = f"INSERT INTO instances ({', '.join(self._columns)}) VALUES ({marks})"  # noqa: S608
        self._connection = sqlite3.connect(folder / "index.sqlite", isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous=FULL")
        self._lock = threading.Lock()
        self._count = 0

    @property
    def object_bytes(self) -> int:
        """Bytes of one object."""
        return len(self._data)

    def measure(self, writers: int, objects: int) -> float:
        """Write `objects` in all by `writers` threads, and return the seconds that it took."""
        starting = threading.Barrier(writers + 1)
        each = max(1, objects // writers)

        def work() -> None:
            starting.wait()
            for _ in range(each):
                self._write()

        threads = [threading.Thread(target=work) for _ in range(writers)]
        for thread in threads:
            thread.start()
        starting.wait()
        began = time.monotonic()
        for thread in threads:
            thread.join()
        return time.monotonic() - began

    def close(self) -> None:
        """Close the index."""
        self._connection.close()

    def _write(self) -> None:
        with self._lock:
            self._count += 1
            number = self._count
        path = self._folder / f"{number:06}.dcm"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        view = memoryview(self._data)
        for start in range(0, len(view), _PIECE):
            os.write(descriptor, view[start : start + _PIECE])
        os.fdatasync(descriptor)
        os.close(descriptor)
        row = {**self._row, "sop_instance_uid": traffic.numbered(self._row["sop_instance_uid"], number)}
        row["path"] = f"{row['path']}.{number}"
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(self._insert, [row[name] for name in self._columns])
            self._connection.execute(_COUNTED, [row["series_id"]])
            self._connection.execute("COMMIT")


def _prepare(folder: Path) -> tuple[bytes, list[str], dict[str, Any]]:
    """Register one slice as the node does; return its bytes, the columns of its row and their values."""
    image = traffic.ct_slice()
    data = encode(image, is_implicit_vr=False, is_little_endian=True) or b""
    files = Files(folder / "blobs")
    database = Database.open(f"sqlite:///{folder / 'index.sqlite'}")
    try:
        database.migrate()
        header = InstanceHeader.from_dataset(image, ExplicitVRLittleEndian)
        stored = files.write(data, header.file_name("0" * 64))
        register(database, files, header, stored, now=datetime.now(UTC), calling_ae="BENCH")
    finally:
        database.close()
    with sqlite3.connect(folder / "index.sqlite") as connection:
        cursor = connection.execute("SELECT * FROM instances")
        columns = [item[0] for item in cursor.description]
        values = dict(zip(columns, cursor.fetchone(), strict=True))
    connection.close()
    columns.remove("id")
    return data, columns, values


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder on the disk to be measured; nothing stays there")
    parser.add_argument("--writers", type=int, default=1)
    parser.add_argument("--objects", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-floor-", dir=options.folder) as name:
        floor = Floor(Path(name))
        seconds = floor.measure(options.writers, options.objects)
        floor.close()
    each = max(1, options.objects // options.writers) * options.writers
    print(f"{each / seconds:.0f} objects a second, {options.writers} writers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
