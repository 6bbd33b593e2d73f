"""How often an address may try a password; the memory for it is bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Final

_BURST: Final = 20
_SECONDS_EACH: Final = 3.0
MOST_ADDRESSES: Final = 10_000


class AddressLimit:
    """Allows each address 20 attempts at once, and then one in three seconds; safe to share between threads."""

    def __init__(self, burst: int = _BURST, seconds_each: float = _SECONDS_EACH) -> None:
        self._burst = burst
        self._each = seconds_each
        self._left: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, address: str, now: datetime) -> float:
        """Take one attempt and return 0, or return after how many seconds there is another one."""
        key = find_network(address)
        with self._lock:
            left, since = self._left.pop(key, (float(self._burst), now))
            left = min(self._burst, left + max(0.0, (now - since).total_seconds()) / self._each)
            allowed = left >= 1
            self._left[key] = (left - 1 if allowed else left, now)
            # whoever was not heard of for longest has its attempts again
            while len(self._left) > MOST_ADDRESSES:
                self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * self._each

    def give_back(self, address: str) -> None:
        """Give back an attempt that succeeded: a reading room behind one address signs in without a wait."""
        with self._lock:
            key = find_network(address)
            if key in self._left:
                left, since = self._left[key]
                self._left[key] = (min(self._burst, left + 1), since)


def find_network(address: str) -> str:
    """Return what counts as one address: an IPv6 subscriber has a whole network of 64 bits."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{parsed}/64", strict=False)) if parsed.version == 6 else str(parsed)  # noqa: PLR2004
