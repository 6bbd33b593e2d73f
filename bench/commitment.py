"""Kill the node while it answers requests for Storage Commitment, and prove that every one is answered at last.

    python -m bench.commitment --rounds 50 --seed 1

In each round a scanner sends objects to a real `coronode serve` and asks for commitment of each few of them, over
associations that it releases at once or keeps open; at a random moment the node is ended with SIGKILL and started
again. Every request answered with Success must be reported in the end, with every object that was acknowledged
committed and with every other one failed.
"""

from __future__ import annotations

import argparse
import random
import signal
import socket
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.crash import EXPLICIT, data_set, start_node
from config.settings import Settings
from dicom.commitment import LONGEST, CommitmentRequest, CommitmentResult, Reference, decode_result
from dicom.sop_classes import IMAGE_STORAGE, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from scp.network import command, requests
from scp.network.conversation import Conversation
from scp.network.errors import AssociationEnded
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.reception.admission import Admission
from scp.reception.provided import ProvidedService
from scp.reception.server import Server

OBJECTS: Final = 3
ANSWER_SECONDS: Final = 90.0
_STAY_SECONDS: Final = 1.0


@dataclass
class Scanner:
    """What was acknowledged, what was asked with Success, and what was reported, by Transaction UID."""

    acknowledged: set[str] = field(default_factory=set)
    asked: dict[str, CommitmentRequest] = field(default_factory=dict)
    told: dict[str, CommitmentResult] = field(default_factory=dict)
    repeats: int = 0

    def note(self, result: CommitmentResult) -> None:
        """Take a report."""
        self.repeats += result.transaction_uid in self.told
        self.told[result.transaction_uid] = result

    def serve(self, association: Conversation, message: Message) -> None:
        """Answer an N-EVENT-REPORT-RQ on an association that the node has opened."""
        data = b"".join(bytes(piece) for piece in association.messages.data())
        self.note(decode_result(data, implicit=association.context(message).is_implicit))
        association.respond(message, 0)

    def work(self, port: int, series: str, rng: random.Random) -> None:
        """Send and ask until the node dies."""
        contexts = [PresentationContext(uid, (EXPLICIT,)) for uid in (IMAGE_STORAGE[0], STORAGE_COMMITMENT)]
        opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, 10, 10, 20, 16384)
        try:
            for part in range(1000):
                association = Requestor(opening, contexts)
                references = [Reference(IMAGE_STORAGE[0], f"{series}.9.{part}.{number}") for number in range(OBJECTS)]
                for reference in references[: rng.choice([OBJECTS, OBJECTS, 2])]:
                    data = data_set(series, reference.sop_instance_uid, rng.randbytes(4096))
                    uid = reference.sop_instance_uid
                    if association.store(association.accepted_contexts[0], uid, data).status == 0:
                        self.acknowledged.add(uid)
                self._ask(association, CommitmentRequest(f"{series}.7.{part}", tuple(references)), rng)
                association.release()
        except (AssociationEnded, OSError):
            return

    def _ask(self, association: Requestor, request: CommitmentRequest, rng: random.Random) -> None:
        context = association.accepted_contexts[1]

        def make(number: int) -> bytes:
            return requests.encode_action(number, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, 1)

        if association.request(context, make, request.encode(implicit=False)).command.status == 0:
            self.asked[request.transaction_uid] = request
        if rng.choice([True, False]) and association.messages.has_come(_STAY_SECONDS):
            message = association.receive()
            self.note(decode_result(association.gather(LONGEST) or b"", implicit=False))
            association.respond(message, 0)

    def find_faults(self) -> list[str]:
        """Return what is wrong once everything should have been reported."""
        faults = []
        for uid, request in self.asked.items():
            result = self.told.get(uid)
            if result is None:
                faults.append(f"{uid}: never reported")
                continue
            expected = {item for item in request.references if item.sop_instance_uid in self.acknowledged}
            failed = {item for item, _ in result.failed}
            if not expected <= set(result.committed):
                faults.append(f"{uid}: acknowledged and not committed")
            if failed | set(result.committed) != set(request.references):
                faults.append(f"{uid}: not every object is reported")
        return faults


def run(rounds: int, seed: int, folder: Path) -> tuple[Scanner, list[str]]:
    """Kill the node `rounds` times while a scanner sends and asks; return what happened and what was wrong."""
    rng = random.Random(seed)  # noqa: S311  # reproducible draws
    scanner = Scanner()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    listener = _listen(scanner)
    config = folder / "coronode.toml"
    config.write_text(
        f'[node]\nport = {port}\ndata_dir = "{folder / "data"}"\nreserve_mb = 0\n'
        f'[peers.CT1]\nae_title = "SCANNER"\nhost = "127.0.0.1"\nport = {listener.port}\n'
        "[completion]\nquiet_seconds = 3600\n[web]\nport = 0\n"
        "[results]\nretry_first_seconds = 0.2\nretry_longest_seconds = 1\n"
    )
    node = start_node(config, port)
    try:
        for number in range(rounds):
            work = random.Random(rng.random())  # noqa: S311
            sender = threading.Thread(target=scanner.work, args=(port, f"1.2.3.{seed}.{number}", work))
            sender.start()
            time.sleep(rng.uniform(0.2, 4.0))
            node.send_signal(signal.SIGKILL)
            node.wait()
            sender.join()
            node = start_node(config, port)
        deadline = time.monotonic() + ANSWER_SECONDS
        while scanner.asked.keys() - scanner.told.keys() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        node.send_signal(signal.SIGTERM)
        node.wait(60)
        listener.stop()
    return scanner, scanner.find_faults()


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scanner, faults = run(arguments.rounds, arguments.seed, Path(folder))
    print(
        f"{arguments.rounds} kills in {time.monotonic() - begun:.0f} s: {len(scanner.asked)} requests, "
        f"{len(scanner.told)} reported, {scanner.repeats} of them twice, {len(faults)} faults"
    )
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


def _listen(scanner: Scanner) -> Server:
    """Start the scanner's own AE, which takes reports."""
    settings = Settings(node={"port": 0, "ae_title": "SCANNER", "accept_unknown_peers": True})
    context = PresentationContext(STORAGE_COMMITMENT, (EXPLICIT,), as_scu=False, as_scp=True)
    service = ProvidedService(None, (context,), {command.N_EVENT_REPORT_RQ: scanner.serve})
    server = Server(settings.node, Admission.from_settings(settings), (service,))
    server.start()
    return server


if __name__ == "__main__":
    sys.exit(main())
