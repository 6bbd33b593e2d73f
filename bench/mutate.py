"""Mutated byte streams against the services of the node: no crash, hang or leak, and only valid responses.

    python -m bench.mutate --streams 100000 --seed 1 [--kinds commitment,steps] [--log mutate.log]

Each stream is a valid conversation of `bench.conversations` (C-ECHO, C-STORE and C-FIND; C-GET and C-MOVE; N-ACTION and
N-EVENT-REPORT; N-CREATE and N-SET) in which bytes are changed, cut out, doubled, moved or replaced by extreme lengths:
in most streams those of command sets and data sets, which then travel in correct PDUs, else those of the PDUs.
In every third stream the items of the A-ASSOCIATE-RQ are changed first: omitted, doubled, moved, filled with noise, or
given an unknown type or a wrong length; the PDU's own length is then correct, so that the items are read. The sender
closes its half at the end; the node must return only complete PDUs that an acceptor may send, with command sets that
can be read and statuses in the responses, and end the connection. From time to time the valid conversations must still
succeed. Threads, descriptors and temporary files are counted at the end. With `--log` a line is written after every 500
streams; a later run with the same log and seed goes on after the last of them. With `--jobs` several processes share
the streams, each with a node and a log of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from bench.conversations import KINDS, Conversation, Message, store_and_query
from bench.mutated_node import serve
from scp.network import command, items, pdu
from scp.network.command import Command
from scp.network.errors import Violation

EXTREMES: Final = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\1",
    b"\xff\xfe\xff\xfe",
    b"\0\0\xff\xff",
)
ANSWERS: Final = frozenset({pdu.A_ASSOCIATE_AC, pdu.A_ASSOCIATE_RJ, pdu.P_DATA_TF, pdu.A_RELEASE_RP, pdu.A_ABORT})
PATIENCE_SECONDS: Final = 20.0
TURN_SECONDS: Final = 0.15  # that the sender of a mutated stream waits, in which the node may not be asked for anything
CHECK_EVERY: Final = 500
PARTS: Final = 10
FIXED_BYTES: Final = 68  # of an A-ASSOCIATE-RQ before its items
INSIDE: Final = 0.6  # probability of changing a nested item instead
DATA: Final = 0.75  # probability of changing the data set of a message instead of its command set
WHOLE: Final = 0.7  # probability of changing command sets and data sets instead of PDUs


@dataclass
class Outcome:
    """The outcome of a run; `faults` is empty if all is well."""

    streams: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    threads: tuple[int, int] = (0, 0)
    descriptors: tuple[int, int] = (0, 0)
    memory_kb: list[int] = field(default_factory=list)
    longest_seconds: float = 0


def mutate_conversation(conversation: Conversation, number: int, rng: random.Random) -> list[bytes]:
    """Make the parts of stream `number`."""
    if number % 3 == 0:
        conversation = replace(conversation, opening=mutate_opening(conversation.opening, rng))
    if number % 6 == 0:
        return conversation.encode()
    if rng.random() < WHOLE:
        return mutate_messages(conversation, rng).encode()
    parts = conversation.encode()
    place = rng.randrange(len(parts))
    parts[place] = mutate(parts[place], rng)
    return parts


def mutate_opening(opening: bytes, rng: random.Random) -> bytes:
    """Make one to three changes to items of the A-ASSOCIATE-RQ, at any depth."""
    body = opening[pdu.HEADER_BYTES :]
    fixed, variable = body[:FIXED_BYTES], body[FIXED_BYTES:]
    for _ in range(rng.randint(1, 3)):
        variable = _change_item(variable, rng)
    return pdu.encode_associate(pdu.A_ASSOCIATE_RQ, fixed + variable)


def mutate_messages(conversation: Conversation, rng: random.Random) -> Conversation:
    """Change the command set or the data set of one or two messages."""
    parts = [list(part) for part in conversation.parts]
    for _ in range(rng.randint(1, 2)):
        part = parts[rng.randrange(len(parts))]
        place = rng.randrange(len(part))
        part[place] = _change_message(part[place], rng)
    return replace(conversation, parts=tuple(map(tuple, parts)))


def _change_message(message: Message, rng: random.Random) -> Message:
    if message.data and rng.random() < DATA:
        return replace(message, data=mutate(message.data, rng))
    # an empty command set is no message at all
    return replace(message, command=mutate(message.command, rng) or message.command)


def _change_item(data: bytes, rng: random.Random) -> bytes:
    """Change one item, or one nested in it; items with a wrong length are left alone."""
    pairs = _split_items(data)
    if not pairs:
        return data + items.encode_item(rng.randrange(256), rng.randbytes(rng.randrange(40)))
    at = rng.randrange(len(pairs))
    kind, value = pairs[at]
    head = {items.PROPOSED_CONTEXT: 4, items.USER_INFORMATION: 0}.get(kind)
    if head is not None and rng.random() < INSIDE:
        pairs[at] = kind, value[:head] + _change_item(value[head:], rng)
        return b"".join(items.encode_item(*each) for each in pairs)
    encoded = [items.encode_item(*each) for each in pairs]
    match rng.choice(("drop", "double", "move", "noise", "unknown", "length", "long")):
        case "drop":
            del encoded[at]
        case "double":
            encoded.insert(rng.randrange(len(encoded)), encoded[at])
        case "move":
            encoded.insert(rng.randrange(len(encoded)), encoded.pop(at))
        case "noise":
            encoded[at] = items.encode_item(kind, rng.randbytes(len(value)))
        case "unknown":
            encoded[at] = items.encode_item(rng.randrange(256), value)
        case "length":
            encoded[at] = encoded[at][:2] + rng.randbytes(2) + value
        case _:
            encoded[at] = items.encode_item(kind, value + rng.randbytes(rng.choice((1, 64, 3000))))
    return b"".join(encoded)


def _split_items(data: bytes) -> list[tuple[int, bytes]]:
    try:
        return list(items.read_items(data))
    except Violation:  # an earlier change made a length wrong
        return []


def mutate(stream: bytes, rng: random.Random) -> bytes:
    """Make one to four changes to the stream."""
    data = bytearray(stream)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) or 1)
        part = slice(at, at + rng.choice((1, 2, 4, 6, 16, 64, 300)))
        match rng.choice(("change", "cut", "double", "extreme", "end", "noise", "swap")):
            case "change":
                data[at : at + 1] = rng.randbytes(1)
            case "cut":
                del data[part]
            case "double":
                data[at:at] = data[part]
            case "extreme":
                data[at : at + 4] = rng.choice(EXTREMES)
            case "end":
                del data[at:]
            case "noise":
                data[at:at] = rng.randbytes(part.stop - at)
            case _:
                other = rng.randrange(len(data) or 1)
                there = slice(other, other + part.stop - at)
                data[part], data[there] = data[there], data[part]
    return bytes(data)


def converse(port: int, parts: Sequence[bytes], turn: float = PATIENCE_SECONDS) -> tuple[str, str]:
    """Send the parts and close; return how it ended, and any fault in the responses ("" if none).

    Between two parts the node has `turn` seconds to make a request of its own.
    """
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        try:
            for number, part in enumerate(parts):
                if number:
                    _listen(connection, answer, time.monotonic() + turn)
                connection.settimeout(PATIENCE_SECONDS)
                connection.sendall(part)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        connection.settimeout(PATIENCE_SECONDS)
        try:
            while more := connection.recv(65536):
                answer += more
        except TimeoutError:
            return "hang", f"no end within {PATIENCE_SECONDS} s"
        except OSError:
            pass
    return _judge(bytes(answer))


def _listen(connection: socket.socket, answer: bytearray, deadline: float) -> None:
    """Read until the node makes a request of its own or closes, or the time is over."""
    try:
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            more = connection.recv(65536)
            answer += more
            if not more or any(not item.is_response for item in _read(bytes(answer)).commands):
                return
    except (TimeoutError, Violation):
        pass


@dataclass
class Answered:
    """What the node sent: types of PDUs, command sets, and whether it ends within a PDU."""

    kinds: list[int] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    is_cut: bool = False


def _read(answer: bytes) -> Answered:
    """Read PDUs and the command sets in them (PS3.8 annex E.2). Raises Violation for one that cannot be read."""
    read, gathered = Answered(), bytearray()
    while answer:
        if len(answer) < pdu.HEADER_BYTES:
            read.is_cut = True
            break
        kind, length = struct.unpack_from(">BxI", answer)
        read.kinds.append(kind)
        body, answer = answer[pdu.HEADER_BYTES : pdu.HEADER_BYTES + length], answer[pdu.HEADER_BYTES + length :]
        if kind == pdu.P_DATA_TF and len(body) == length:
            for is_command, is_last, value in _split_values(body):
                gathered += value if is_command else b""
                if is_command and is_last:
                    read.commands.append(command.decode(gathered))
                    gathered.clear()
    return read


def _split_values(body: bytes) -> Iterator[tuple[bool, bool, bytes]]:
    while body:
        length, _, header = struct.unpack_from(">IBB", body)
        yield bool(header & 1), bool(header & 2), body[6 : 4 + length]
        body = body[4 + length :]


def _judge(answer: bytes) -> tuple[str, str]:
    """Return how the node's PDUs end, and what is wrong with them."""
    try:
        read = _read(answer)
    except (Violation, struct.error) as error:
        return "odd", f"a response that cannot be read: {error}"
    odd = [kind for kind in read.kinds if kind not in ANSWERS]
    if odd:
        return "odd", f"a PDU of type {odd[0]} in the response"
    if any(item.is_response and item.status is None for item in read.commands):
        return "odd", "a response without a status"
    if read.is_cut:
        return "cut", "" if read.kinds else "a response that is not a PDU"
    names = {pdu.A_RELEASE_RP: "release", pdu.A_ABORT: "abort", pdu.A_ASSOCIATE_RJ: "reject"}
    return names.get(read.kinds[-1], "closed") if read.kinds else "closed", ""


def run(streams: int, seed: int, first: int = 0, log: Path | None = None, kinds: Sequence[str] = ()) -> Outcome:
    """Send the mutated streams from number `first` on, one after the other, and note in `log` how far it is."""
    outcome = Outcome()
    makers = [KINDS[name] for name in kinds or KINDS]
    with serve() as node:
        converse(node.port, store_and_query().encode())  # something to retrieve, whatever the kinds
        valid = [make(number).encode() for number, make in enumerate(makers)]
        for _ in range(3):
            for parts in valid:
                converse(node.port, parts)
        before = threading.active_count(), _descriptors()
        for number in range(first, streams):
            rng = random.Random(f"{seed}:{number}")  # noqa: S311  # reproducible
            conversation = makers[number % len(makers)](number)
            _send(node.port, mutate_conversation(conversation, number // len(makers), rng), number, outcome)
            if (number - first) % max(1, (streams - first) // PARTS) == 0:
                outcome.memory_kb.append(_memory_kb())
            if number % CHECK_EVERY == CHECK_EVERY - 1:
                node.tidy()
                outcome.faults += [f"after stream {number}: {fault}" for fault in _check(node.port, valid)]
                _note(log, seed, number, outcome)
        _settle(before)
        outcome.threads = before[0], threading.active_count()
        outcome.descriptors = before[1], _descriptors()
        outcome.faults += node.find_faults()
    if outcome.threads[1] > outcome.threads[0]:
        outcome.faults.append("threads remain")
    if outcome.descriptors[1] > outcome.descriptors[0] + _OPENED_LATER:
        outcome.faults.append("descriptors remain")
    return outcome


def _send(port: int, parts: Sequence[bytes], number: int, outcome: Outcome) -> None:
    begun = time.perf_counter()
    ending, fault = converse(port, parts, TURN_SECONDS)
    outcome.longest_seconds = max(outcome.longest_seconds, time.perf_counter() - begun)
    outcome.endings[ending] += 1
    outcome.streams += 1
    if fault:
        outcome.faults.append(f"stream {number}: {fault}")


def _check(port: int, valid: Sequence[Sequence[bytes]]) -> Iterator[str]:
    """Yield what is wrong with the answers to the valid conversations."""
    for parts in valid:
        ending, fault = converse(port, parts)
        if ending != "release" or fault:
            yield f"a valid conversation ended with {ending} {fault}".rstrip()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(KINDS), help=", ".join(KINDS))
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the streams")
    parser.add_argument("--log", type=Path, help="note here how far it is, and go on from there")
    arguments = parser.parse_args()
    begun = time.monotonic()
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        outcomes = list(pool.map(_run_part, split(arguments)))
    streams, seconds = sum(outcome.streams for outcome in outcomes), time.monotonic() - begun
    endings = sum((outcome.endings for outcome in outcomes), Counter[str]())
    print(f"{streams} streams, seed {arguments.seed}: {dict(endings)}; {streams / seconds:.0f} a second")
    for outcome in outcomes:
        print(f"longest {outcome.longest_seconds:.2f} s, threads {outcome.threads}, descriptors {outcome.descriptors}")
        print(f"memory after each tenth of the streams: {outcome.memory_kb} kB")
    faults = [fault for outcome in outcomes for fault in outcome.faults]
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


@dataclass(frozen=True)
class Part:
    """The streams of one process: from number `first` on, below `end`."""

    first: int
    end: int
    seed: int
    log: Path | None
    kinds: Sequence[str]


def split(arguments: argparse.Namespace) -> list[Part]:
    """Split the streams among the jobs, less those that their logs know."""
    parts = []
    for job in range(arguments.jobs):
        first, end = (arguments.streams * edge // arguments.jobs for edge in (job, job + 1))
        log = arguments.log
        if log is not None and arguments.jobs > 1:
            log = log.with_name(f"{log.name}.{job}-of-{arguments.jobs}")
        first = max(first, _find_next(log, arguments.seed))
        parts.append(Part(min(first, end), end, arguments.seed, log, arguments.kinds))
    return parts


def _run_part(part: Part) -> Outcome:
    return run(part.end, part.seed, part.first, part.log, part.kinds)


def _note(log: Path | None, seed: int, number: int, outcome: Outcome) -> None:
    if log is not None:
        line = {"seed": seed, "stream": number, "memory_kb": _memory_kb(), "faults": outcome.faults}
        with log.open("a") as file:
            file.write(json.dumps(line | {"endings": outcome.endings}) + "\n")


def _find_next(log: Path | None, seed: int) -> int:
    """Find the stream after the last one of this seed in the log."""
    lines = log.read_text().splitlines() if log is not None and log.exists() else []
    return max((line["stream"] + 1 for line in map(json.loads, lines) if line["seed"] == seed), default=0)


_OPENED_LATER: Final = 4
"""Descriptors of the index and of the folder of half-written files, which are opened when they are first needed."""


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _memory_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def _settle(before: tuple[int, int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and (
        threading.active_count() > before[0] or _descriptors() > before[1] + _OPENED_LATER
    ):
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
