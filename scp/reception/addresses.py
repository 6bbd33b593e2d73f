"""The addresses of peers' host names, remembered for a while: a slow name server keeps no peer waiting or out."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_FRESH_SECONDS: Final = 60.0
"""How long an answer tells that an address is not the peer's."""
_USABLE_SECONDS: Final = 600.0
"""How long an answer tells that an address is the peer's; meanwhile a newer one is asked for."""
_PATIENCE_SECONDS: Final = 5.0
"""How long a failure stands, and any answer that does not fit the caller."""

LookUp = Callable[[str], Iterable[str]]
"""Returns the addresses of a host name. Raises OSError when it cannot be resolved."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Addresses of a name as of `at`, monotonic seconds; those of an earlier answer where this one failed."""

    addresses: frozenset[str]
    at: float
    is_failed: bool


def shorten_address(address: str) -> str:
    """Return an address in its shortest form; IPv4-mapped IPv6 addresses become IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def look_up(host: str) -> Iterable[str]:
    """Ask the system for the addresses of a host name. Raises OSError when it cannot be resolved."""
    return (str(entry[4][0]) for entry in socket.getaddrinfo(host, None))


class AddressBook:
    """Knows which addresses a host name has; thread-safe."""

    def __init__(self, look_up: LookUp = look_up, clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._answers: dict[str, _Answer] = {}
        self._asking: set[str] = set()
        self._lock = threading.Lock()

    def has(self, host: str, address: str) -> bool:
        """Return whether `address` is one of the host's, asking the name server only if what is known does not tell.

        While a name cannot be resolved its last addresses stand, so that its peer is not locked out.
        """
        if _is_address(host):
            return shorten_address(host) == address
        answer = self._answers.get(host)
        age = float("inf") if answer is None else self._clock() - answer.at
        if answer is not None and address in answer.addresses and age < _USABLE_SECONDS:
            if age > _FRESH_SECONDS:
                self._ask_meanwhile(host)
            return True
        if answer is not None and age < _PATIENCE_SECONDS:
            return address in answer.addresses
        return address in self._ask(host).addresses

    def may_have(self, host: str, address: str) -> bool:
        """Return False only if `address` is certainly not the host's; never waits for a name server."""
        if _is_address(host):
            return shorten_address(host) == address
        answer = self._answers.get(host)
        age = float("inf") if answer is None else self._clock() - answer.at
        if age > (_PATIENCE_SECONDS if answer is None or answer.is_failed else _FRESH_SECONDS):
            self._ask_meanwhile(host)
            return True
        return answer is None or answer.is_failed or address in answer.addresses

    def _ask_meanwhile(self, host: str) -> None:
        """Ask in another thread, once at a time for each name."""
        with self._lock:
            if host in self._asking:
                return
            self._asking.add(host)
        threading.Thread(target=self._ask, args=(host,), name=f"look up {host}", daemon=True).start()

    def _ask(self, host: str) -> _Answer:
        try:
            answer = _Answer(frozenset(map(shorten_address, self._look_up(host))), self._clock(), is_failed=False)
        except OSError as error:
            log.warning("cannot resolve a peer's host name", host=host, reason=error.strerror or str(error))
            earlier = self._answers.get(host)
            addresses = frozenset[str]() if earlier is None else earlier.addresses
            answer = _Answer(addresses, self._clock(), is_failed=True)
        finally:
            with self._lock:
                self._asking.discard(host)
        self._answers[host] = answer
        return answer


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
