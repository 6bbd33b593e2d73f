"""One scored patient in an installation with a destination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from storage.outbox import outgoing
from storage.outbox.deliveries import Document


@dataclass
class Scanned:
    """The application, the series that it holds, and a way to owe a document to a destination."""

    web: object
    series: str

    @property
    def client(self):
        return self.web.client

    @property
    def services(self):
        return self.web.services

    @property
    def database(self):
        return self.web.services.database

    @property
    def now(self):
        return self.web.services.clock()

    def owe(self, destination: str = "PACS", uid: str = "1.2.9") -> int:
        """Enter a document of the series in the outbox, and return the number of its delivery."""
        (number,) = outgoing.add(self.database, [Document(self.series, 1, uid, "sr", "p")], [destination], self.now)
        return number


@pytest.fixture
def scanned(new_web: Callable[..., object], receive_scan: Callable[..., str]) -> Scanned:
    """The application with one scored patient and two peers."""
    peers = {name: {"ae_title": name, "host": "127.0.0.1", "port": 1} for name in ("PACS", "RIS")}
    web = new_web(peers=peers, results={"destinations": ["PACS"]})
    return Scanned(web, receive_scan(web.services))
