"""How the durable engine writes arguments and answers: as JSON, which is readable and cannot run code."""

from __future__ import annotations

import json
from typing import Any

from dbos import Serializer


class JsonSerializer(Serializer):
    """Workflow arguments and answers as JSON; an error is kept as its text."""

    def serialize(self, data: Any) -> str:
        """JSON text."""
        return json.dumps(data, default=_format_error)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805  # the base class names it so
        """What the text holds."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """The format's name in the engine's tables."""
        return "coronode_json"


def _format_error(value: object) -> str:
    return f"{type(value).__name__}: {value}"
