"""One end of the pipe between a receiver process and its node."""

from __future__ import annotations

import threading
from multiprocessing.connection import Connection
from typing import Final


class Pipe:
    """Sends from any thread."""

    def __init__(self, connection: Connection) -> None:
        self.connection: Final = connection
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Send a message. Raises OSError when the other side is gone."""
        with self._lock:
            self.connection.send(message)
