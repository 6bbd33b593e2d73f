"""The model of a disk that loses what was not synchronised, and what is read from a recording of system calls."""

from __future__ import annotations

import importlib
import random
import struct
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
STORE = "/site"


@pytest.fixture
def power(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.power.{name}")


@pytest.fixture
def play(power, tmp_path):
    """Replay a recording, line by line as strace writes it, and return what is known at its end."""

    def run(*lines, deaf_to=None):
        file = tmp_path / "calls"
        file.write_text("".join(f"{line}\n" for line in lines))
        replay = power("replay").Replay(Path(STORE), deaf_to)
        replay.play(power("recording").read_calls(file))
        return replay

    return run


@pytest.fixture
def outcomes(power):
    """List what different cuts leave: the contents of all files by their paths."""

    def run(replay, moment=1 << 40, *, names=0.5, lengths=0.5, data=0.5, unit=4096, cuts=300):
        disk = power("disk")
        found = []
        for seed in range(cuts):
            draws = random.Random(seed)  # noqa: S311
            cut = disk.Cut(moment, disk.Mood(names, lengths, data, unit), draws)
            entries = cut.list_entries(replay.disk, PurePosixPath())
            left = {str(place): content for place, content in entries if content is not None}
            if left not in found:
                found.append(left)
        return found

    return run


def text(value):
    return "".join(f"\\x{byte:02x}" for byte in (value if isinstance(value, bytes) else value.encode()))


def path(name):
    return text(f"{STORE}/{name}" if name else STORE)


def opened(name, fd=3, flags="O_RDWR|O_CREAT"):
    return f'7 openat(AT_FDCWD<{text("/")}>, "{path(name)}", {flags}, 0600) = {fd}<{path(name)}>'


def written(name, data, offset, fd=3):
    return f'7 pwrite64({fd}<{path(name)}>, "{text(data)}", {len(data)}, {offset}) = {len(data)}'


def synced(name, call="fdatasync", fd=3):
    return f"7 {call}({fd}<{path(name)}>) = 0"


def renamed(old, new):
    return f'7 rename("{path(old)}", "{path(new)}") = 0'


def test_only_what_was_synchronised_is_certain(play, outcomes):
    replay = play(opened("a"), written("a", b"one", 0), synced("a"), written("a", b"TWO", 3), synced("", "fsync"))
    assert {left["a"] for left in outcomes(replay)} == {b"one", b"oneTWO", b"one\0\0\0"}
    assert outcomes(replay, names=0, lengths=0, data=0) == [{"a": b"one"}]
    assert outcomes(replay, names=1, lengths=1, data=1) == [{"a": b"oneTWO"}]


def test_a_new_name_may_be_lost_until_its_folder_is_synchronised(play, outcomes):
    made = opened("a"), written("a", b"x", 0), synced("a")
    assert {tuple(left) for left in outcomes(play(*made))} == {(), ("a",)}
    assert {tuple(left) for left in outcomes(play(*made, synced("", "fsync")))} == {("a",)}


def test_a_rename_may_be_lost_kept_or_both(play, outcomes):
    made = opened("a"), written("a", b"x", 0), synced("a"), synced("", "fsync")
    left = {tuple(sorted(each)) for each in outcomes(play(*made, renamed("a", "b")))}
    assert left >= {("a",), ("b",), ("a", "b")}
    assert outcomes(play(*made, renamed("a", "b"), synced("", "fsync"))) == [{"b": b"x"}]


def test_pages_and_sectors_are_lost_by_themselves(play, outcomes):
    pages = bytes(8192), b"\1" * 8192
    replay = play(opened("a"), written("a", pages[0], 0), synced("a"), synced("", "fsync"), written("a", pages[1], 0))
    halves = {each["a"][:4096] + each["a"][-4096:] for each in outcomes(replay)}
    assert halves == {bytes(8192), b"\1" * 8192, b"\1" * 4096 + bytes(4096), bytes(4096) + b"\1" * 4096}
    sectors = {each["a"] for each in outcomes(replay, unit=512)}
    assert any(len({each[start : start + 512] for start in range(0, 4096, 512)}) == 2 for each in sectors)


def test_a_write_that_begins_before_a_synchronisation_ends_is_not_part_of_it(play, outcomes):
    write, sync = written("a", b"x", 0), synced("a")
    begun = write.replace("7 ", "8 ").replace(") = 1", " <unfinished ...>")
    done = "8 <... pwrite64 resumed>) = 1"
    assert {each["a"] for each in outcomes(play(opened("a"), begun, sync, done, synced("", "fsync")))} > {b"x", b""}
    assert {each["a"] for each in outcomes(play(opened("a"), begun, done, sync, synced("", "fsync")))} == {b"x"}
    unfinished = sync.replace(") = 0", " <unfinished ...>")
    late = play(opened("a"), synced("", "fsync", 4), write, unfinished, "7 <... fdatasync resumed>) = 0")
    assert {each["a"] for each in outcomes(late, 4)} == {b"x", b"", b"\0"}
    assert {each["a"] for each in outcomes(late, 5)} == {b"x"}


def test_calls_that_fail_or_lie_elsewhere_change_nothing(play, outcomes):
    failed = f'7 unlink("{path("a")}") = -1 ENOENT (No such file or directory)'
    elsewhere = f'7 openat(AT_FDCWD<{text("/")}>, "{text("/other/b")}", O_CREAT, 0600) = 3<{text("/other/b")}>'
    assert outcomes(play(opened("a"), synced("", "fsync"), failed, elsewhere)) == [{"a": b""}]


def test_a_call_that_was_carried_out_before_one_that_began_earlier(play, outcomes):
    first = opened("new/a").partition(") = ")[0] + " <unfinished ...>"
    made = f'8 mkdir("{path("new")}", 0700) = 0'
    done = f"7 <... openat resumed>) = 3<{path('new/a')}>"
    assert outcomes(play(first, made, done), names=1) == [{"new/a": b""}]
    with pytest.raises(ValueError, match="never made"):
        play(opened("new/a"))


def test_what_is_not_modelled_is_refused(play):
    with pytest.raises(ValueError, match="fallocate is not modelled"):
        play(opened("a"), f"7 fallocate(3<{path('a')}>, 0, 0, 4096) = 0")


def test_files_that_were_deleted_and_not_made_again(play):
    removed = f'7 unlink("{path("a")}") = 0'
    assert play(opened("a"), removed).list_removed(5) == {"a"}
    assert play(opened("a"), removed).list_removed(1) == set()
    assert play(opened("a"), removed, opened("a")).list_removed(5) == set()


def test_forgotten_synchronisations(play, outcomes):
    lines = opened("a"), written("a", b"x", 0), synced("a"), synced("", "fsync")
    assert len(outcomes(play(*lines, deaf_to="a"), names=1)) > 1
    assert len(outcomes(play(*lines, deaf_to="b"), names=1)) == 1


@pytest.mark.parametrize(
    ("command", "status", "is_stored"), [(0x8001, 0, True), (0x8001, 0xA700, False), (1, 0, False)]
)
def test_only_success_is_an_acknowledgement(play, command, status, is_stored):
    uid = b"1.2.3\0"
    elements = struct.pack("<HHIHHHIH", 0, 0x0100, 2, command, 0, 0x0900, 2, status)
    elements += struct.pack("<HHI", 0, 0x1000, len(uid)) + uid
    pdu = struct.pack(">BxIIBB", 4, len(elements) + 6, len(elements) + 2, 1, 3) + elements
    replay = play(f'7 sendto(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "{text(pdu)}", {len(pdu)}, 0, NULL, 0) = {len(pdu)}')
    assert [told.about for told in replay.stored] == (["1.2.3"] if is_stored else [])
    assert [told.about for told in replay.offered] == (["1.2.3"] if command == 1 else [])
