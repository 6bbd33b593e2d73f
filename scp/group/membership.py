"""The membership of this process in the group: it shows life, looks after the others, and does its share of duties.

A member that shows no life for 20 seconds is expelled by whoever sees it first, and what it had in hand is free; at
once if its process is seen to have ended, on the same machine. It stops taking work 5 seconds before that, by its own
clock; if it lives after all it finds itself out and joins anew, under another ID. Clocks of machines are never
compared: a beat is a number that rises, and each member measures by its own monotonic clock how long it has not.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from config.errors import Transient
from config.group import Role
from scp.group.duties import Duty
from scp.group.process_identity import Place
from scp.group.pulse import Pulse
from scp.group.roles import list_duties
from scp.trouble import Trouble
from storage.database.engine import Database
from storage.group import duties, members
from storage.group.members import Member

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 2.0
BEAT_SECONDS: Final = 4.0
_ALONE_SECONDS: Final = 15.0
"""Between the beats of a member that is alone by a lock: nobody watches them but an operator."""
SOUND_SECONDS: Final = 15.0
"""A member that could not beat for so long takes no work: the others may be about to expel it."""


class Membership:
    """A member of the group from `join` to `leave`; thread-safe.

    With `alone`, by a lock on the data, no other process can be alive: joining takes everything over at once, and
    nothing makes this member stop. `renamed` is told the new ID after the others had taken this process for dead,
    `changed` when somebody has gone; `looked` is called after each look at the others.
    """

    def __init__(
        self,
        database: Database,
        roles: Sequence[Role],
        *,
        alone: bool,
        version: str,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._roles = tuple(roles)
        self.alone: Final = alone
        self._version = version
        self._clock = clock
        self._monotonic = monotonic
        self._pulse = Pulse()
        self._place = Place.here()
        self._duties: frozenset[str] = frozenset()
        self._beaten_at = float("-inf")
        self._trouble = Trouble("no sign of life to the group for now", "the group sees signs of life again")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)
        self.id = members.make_id()
        self.renamed: Callable[[str], None] = lambda _: None
        self.changed: Callable[[], None] = lambda: None
        self.looked: Callable[[], None] = lambda: None

    def owner(self) -> str:
        """Return the ID that the claims of this process carry."""
        return self.id

    def holds(self, duty: Duty) -> bool:
        """Return whether a duty is this member's own; ask again before each piece of work."""
        return duty in self._duties and self.is_sound()

    def is_sound(self) -> bool:
        """Return whether this member may take work: the others have seen it alive a moment ago."""
        return self.alone or self._monotonic() - self._beaten_at < SOUND_SECONDS

    def list_living(self) -> frozenset[str]:
        """List the IDs of all members. Raises Transient."""
        return frozenset(member.id for member in members.list_members(self._database))

    def join(self) -> None:
        """Become a member. Raises Transient."""
        self._enter()
        if self.alone and (gone := members.expel_others(self._database, self.id, self._clock())):
            log.info("the work of an earlier process is taken over", members=gone)
        self.look()

    def start(self) -> None:
        """Begin to show life."""
        self._thread.start()

    def leave(self) -> None:
        """Stop being a member, and give back what is still in hand; where that fails the others expel it."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._duties = frozenset()
        try:
            members.leave(self._database, self.id, self._clock())
        except Transient as error:
            log.warning("could not leave the group", member=self.id, reason=str(error))

    def beat(self) -> None:
        """Show life; a member that is out joins anew. Raises Transient."""
        now = self._monotonic()
        if members.beat(self._database, self.id):
            self._beaten_at = now
            return
        before, self.id, self._duties = self.id, members.make_id(), frozenset()
        log.warning("the others took this process for dead; it joins anew", before=before, member=self.id)
        self._enter()
        self.renamed(self.id)
        self.changed()

    def look(self) -> None:
        """Expel who is dead, and take the duties that nobody has. Raises Transient."""
        others = [member for member in members.list_members(self._database) if member.id != self.id]
        dead = self._pulse.look(others, self._monotonic())
        ended = [member for member in others if self._place.has_ended(member.process)]
        for member in dict.fromkeys([*dead, *ended]):
            if members.expel(self._database, member, self._clock()):
                log.warning("a member is dead: its work is taken over", member=member.id, host=member.host)
                self.changed()
        self._take_duties()

    def _enter(self) -> None:
        now = self._monotonic()
        member = Member(
            self.id,
            socket.gethostname(),
            os.getpid(),
            self._roles,
            self._version,
            beat=0,
            joined_at=self._clock(),
            process=self._place.name_process(os.getpid()),
        )
        members.join(self._database, member)
        self._beaten_at = now

    def _take_duties(self) -> None:
        wanted = list_duties(self._roles)
        before, self._duties = self._duties, duties.take(self._database, self.id, wanted) if wanted else frozenset()
        if before != self._duties:
            log.info("duties", member=self.id, has=sorted(self._duties))

    def _run(self) -> None:
        beat_at = self._monotonic()
        pause = _ALONE_SECONDS if self.alone else LOOK_SECONDS
        while not self._stop.wait(pause):
            try:
                if self._monotonic() - beat_at >= BEAT_SECONDS - LOOK_SECONDS / 2:
                    beat_at = self._monotonic()
                    self.beat()
                self.look()
                self.looked()
                self._trouble.end()
            except Transient as error:
                self._trouble.note(error, member=self.id)
            except Exception:  # the edge of the thread: a member must go on showing life
                log.exception("membership failed; will retry", member=self.id)
