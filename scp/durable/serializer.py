"""JSON serialisation for the durable engine: readable, and unable to run code."""

from __future__ import annotations

import json
from typing import Any

from dbos import Serializer


class JsonSerializer(Serializer):
    """Serialises workflow arguments and results as JSON; an error is stored as text."""

    def serialize(self, data: Any) -> str:
        """Serialise as JSON."""
        return json.dumps(data, default=_format_error)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805  # the base class names it so
        """Deserialise JSON."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """Return the format's name in the engine's tables."""
        return "coronode_json"


def _format_error(value: object) -> str:
    return f"{type(value).__name__}: {value}"
