"""Logging for the process: structured, on standard error, with UIDs and states but no patient data."""

from __future__ import annotations

import logging
import re
import sys
import threading
import warnings
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import structlog

from scp.outside_text import escape_event
from scp.repeats import Repeats

log = structlog.get_logger(__name__)

_DIGITS: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to `target`; without one to the current standard error, which may be replaced later."""

    def __init__(self, target: TextIO | None) -> None:
        super().__init__(target)
        self._target = target

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        self.stream = self._target or sys.stderr
        super().emit(record)


class _OnceAMinute(logging.Filter):
    """Leaves out warnings and errors that say what was said within the last minute; the next has `repeated`.

    A disk that is full is found full by every loop that needs it. Ours are the same where all of their values are,
    those of libraries where they differ in numbers alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        if record.levelno < logging.WARNING:
            return True
        repeated = self._repeats.take((record.name, record.levelno, _identify(record)))
        if repeated:
            if isinstance(record.msg, dict):
                record.msg = {**record.msg, "repeated": repeated}
            else:
                record.msg, record.args = f"{record.getMessage()} (repeated {repeated} times)", None
        return repeated is not None


def _identify(record: logging.LogRecord) -> str:
    if isinstance(record.msg, dict):
        return repr(sorted((key, repr(value)) for key, value in record.msg.items() if key != "timestamp"))
    trouble = record.exc_info[0] if record.exc_info else None
    return _DIGITS.sub("#", f"{trouble} {record.getMessage()}")


def configure(level: str = "info", form: Literal["text", "json"] = "text", *, target: TextIO | None = None) -> None:
    """Log our events and those of the libraries to standard error, or `target`, through one formatter.

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
    handler = _ToStandardError(target)
    handler.addFilter(_OnceAMinute())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *([structlog.processors.format_exc_info] if form == "json" else []),
                escape_event,
                _make_renderer(form),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("dbos", "alembic", "sqlalchemy", "PIL", "uvicorn", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)


def capture_last_words() -> None:
    """Log what Python would write to standard error by itself: warnings, and the errors that end a thread or us."""
    warnings.showwarning = _log_warning
    sys.excepthook = _log_end
    threading.excepthook = _log_thread_end
    sys.unraisablehook = _log_unraisable


def _make_renderer(form: Literal["text", "json"]) -> Any:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        exception_formatter=structlog.dev.plain_traceback,  # the default shows local variables: patients' data
    )


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  # the signature of the hook
    line: str | None = None,  # noqa: ARG001
) -> None:
    log.warning("Python warns", reason=f"{category.__name__}: {message}", where=f"{filename}:{lineno}")


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("the process ends with an error", exc_info=(kind, error, trace))


def _log_thread_end(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        name = "" if ended.thread is None else ended.thread.name
        log.critical("a thread ended with an error", thread=name, exc_info=ended.exc_value)


def _log_unraisable(found: Any) -> None:
    log.error("an error had nobody to take it", where=repr(found.object), exc_info=found.exc_value)
