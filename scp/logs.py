"""Logging for the process: structured, on standard error, with UIDs and states but no patient data."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal, TextIO

import structlog

from scp.outside_text import escape_event


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to the current standard error, which may be replaced after logging was configured."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = sys.stderr
        super().emit(record)


def configure(level: str = "info", form: Literal["text", "json"] = "text") -> None:
    """Log our events and those of the libraries to standard error through one formatter.

    pydicom complains about every odd value each time it reads it, and shows the value: only its critical messages pass,
    because we log every refusal and failure ourselves. DBOS logs its internals: only its warnings pass.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            pad_event_to=0,
            exception_formatter=structlog.dev.plain_traceback,  # the default shows local variables: patients' data
        )
    )
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, escape_event, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("dbos", "alembic", "sqlalchemy", "PIL", "uvicorn", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
