"""Several nodes on one PostgreSQL and one folder or bucket of objects, kept running as a service manager would."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.killing.bucket import Bucketful
from bench.killing.index import Rows, open_postgresql
from bench.killing.node import NodeProcess, configure
from bench.killing.objects import FolderObjects, Objects
from bench.killing.postgresql import PostgresServer
from bench.killing.waiting import free_port, wait_for
from tests.seaweedfs import Service

_LOOK_SECONDS: Final = 0.1
_AGAIN_SECONDS: Final = 1.0


class Group:
    """The members of a group, each with the options of its command line, for instance `("--roles", "receive")`.

    Their objects lie in one folder, or in a bucket of `s3`; with it each member has a data folder of its own. From
    `start` on a member that ends is launched again, unless it is kept away. `ended` are the exit codes of those that
    ended by themselves.
    """

    def __init__(
        self,
        folder: Path,
        server: PostgresServer,
        pacs_port: int,
        quiet_seconds: float,
        members: Sequence[Sequence[str]],
        s3: Service | None = None,
    ) -> None:
        self.server, self.s3 = server, s3
        self.objects = folder / "data/objects"
        places = [folder / f"member-{number}" for number in range(1, len(members) + 1)]
        data = [folder / "data" if s3 is None else place / "data" for place in places]
        sections = configure(pacs_port, quiet_seconds) + f'[storage]\ndatabase_url = "{server.url}"\n'
        self.kept: Objects = FolderObjects(self.objects)
        if s3 is not None:
            bucket = Bucketful(s3, [each / "cache" for each in data])
            self.kept, sections = bucket.objects, sections + bucket.section
        self.members = []
        for place, its_data, options in zip(places, data, members, strict=True):
            place.mkdir(parents=True)
            self.members.append(NodeProcess(place, free_port(), sections, data=its_data, options=options))
        self.ended: list[tuple[int, int]] = []
        self._away: set[NodeProcess] = set()
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the members one after the other, then supervise them."""
        for member in self.members:
            member.start()
        self._thread.start()

    def ports(self) -> list[int]:
        """The ports of the members that run."""
        return [member.port for member in self.members if member.pid is not None]

    def running(self) -> list[NodeProcess]:
        """The members that run."""
        return [member for member in self.members if member.pid is not None]

    def kill(self, member: NodeProcess, *, keep_away: bool = False) -> None:
        """Kill a member; it is launched again at once, or stays away until `bring_back`."""
        with self._guard:
            if keep_away:
                self._away.add(member)
            member.kill()

    def bring_back(self) -> None:
        """Launch the members that were kept away."""
        with self._guard:
            self._away.clear()

    def settle(self) -> None:
        """Wait until every member listens."""
        self.bring_back()
        wait_for("every member to listen", lambda: all(member.is_listening for member in self.members), seconds=120)

    def stop(self) -> list[str]:
        """Stop every member in order; return what was wrong with it."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        codes = [(member, member.stop()) for member in self.members]
        return [f"{member.folder.name} ended with {code} after SIGTERM" for member, code in codes if code]

    def close(self) -> None:
        """Kill what still runs."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        for member in self.members:
            member.kill()

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """Open the index for reading."""
        with open_postgresql(self.server.url) as rows:
            yield rows

    def has_logged(self, event: str, series_instance_uid: str) -> bool:
        """Return whether the log of any member contains an event of a series."""
        return any(member.has_logged(event, series_instance_uid) for member in self.members)

    def _supervise(self) -> None:
        launched: dict[NodeProcess, float] = {}
        while not self._stop.wait(_LOOK_SECONDS):
            with self._guard:
                for number, member in enumerate(self.members, start=1):
                    if (code := member.take_exit_code()) is not None:
                        self.ended.append((number, code))
                    late = time.monotonic() - launched.get(member, 0.0) > _AGAIN_SECONDS
                    if member.pid is None and member not in self._away and late:
                        launched[member] = time.monotonic()
                        member.launch()
