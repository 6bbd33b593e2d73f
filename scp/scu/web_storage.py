"""Storage by STOW-RS (PS3.18 10.5): sending objects to a peer's web service, with the outcome of each."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx2

from config.errors import Permanent, Transient, is_fault
from config.settings import NodeSettings, PeerSettings
from dicom import status
from scp.scu.storage import ClassRefused, Sending
from scp.scu.web_service import find_studies, judge_code, judged

_CHUNK_BYTES: Final = 256 * 1024
_LONGEST_ANSWER: Final = 1024 * 1024
_JUDGED: Final = frozenset({200, 202, 409})
"""The answers that say what became of each object (PS3.18 table 10.5.3-1)."""
_FAILED, _STORED, _OTHERS = "00081198", "00081199", "0008119A"
_INSTANCE, _FAILURE, _WARNING = "00081155", "00081197", "00081196"


def store(client: httpx2.Client, node: NodeSettings, peer: PeerSettings, item: Sending) -> int:
    """Send one object and return the status with which the peer stored it: Success or a warning.

    Raises ClassRefused, Permanent or Transient with the peer's own Failure Reason.
    """
    boundary = secrets.token_hex(16)
    # without the transfer syntax, which the file names itself: Orthanc passes over parts that have parameters
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    try:
        size = item.path.stat().st_size
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            # many servers take no body of unknown length
            "Content-Length": str(len(head) + size + len(tail)),
        }
        deadline = _Deadline(node, size)
        body = _write(head, item.path, tail, deadline)
        with judged(peer), client.stream("POST", find_studies(peer), content=body, headers=headers) as response:
            answer = _read_answer(response, deadline)
            code = response.status_code
    except _TooSlowError as error:
        raise Transient(f"{peer.url}: takes too long") from error
    except OSError as error:
        words = f"{item.path}: cannot be read: {error.strerror or error}"
        raise (Transient if is_fault(error) else Permanent)(words) from error
    if code not in _JUDGED:
        raise judge_code(peer, code)
    return _judge(peer, item, code, answer)


class _TooSlowError(Exception):
    """The peer takes or answers more slowly than the node waits."""


class _Deadline:
    """The time for one object: the usual one, and what it takes at the slowest rate."""

    def __init__(self, node: NodeSettings, size: int) -> None:
        rate = node.slowest_bytes_per_second
        self._at = None if not rate else time.monotonic() + node.dimse_timeout + size / rate

    def check(self) -> None:
        """Raise _TooSlowError when it has passed."""
        if self._at is not None and time.monotonic() > self._at:
            raise _TooSlowError


def _write(head: bytes, path: Path, tail: bytes, deadline: _Deadline) -> Iterator[bytes]:
    yield head
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            deadline.check()
            yield chunk
    yield tail


def _read_answer(response: httpx2.Response, deadline: _Deadline) -> dict[str, Any]:
    """Read a Store Instances Response Module; nothing where there is none that can be read."""
    content = bytearray()
    for piece in response.iter_bytes():
        deadline.check()
        content += piece
        if len(content) > _LONGEST_ANSWER:
            return {}
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _judge(peer: PeerSettings, item: Sending, code: int, answer: dict[str, Any]) -> int:
    """Judge an object by the item that names it; without one, by the status of the answer."""
    stored = _find(answer, _STORED, item.sop_instance_uid)
    if stored is not None:
        return _read_number(stored, _WARNING) or status.SUCCESS
    failed = _find(answer, _FAILED, item.sop_instance_uid) or next(iter(_list_items(answer, _OTHERS)), None)
    if failed is None:
        if code == httpx2.codes.OK and not {_STORED, _FAILED, _OTHERS} & answer.keys():
            return status.SUCCESS
        raise Permanent(f"{peer.url}: answered with {code}, and does not name the object among those that it stored")
    reason = _read_number(failed, _FAILURE)
    if reason is None:
        raise Permanent(f"{peer.url}: answered with {code} and no Failure Reason")
    outcome = status.classify_outcome(reason)
    if outcome == "delivered":
        return reason
    words = f"{peer.url}: did not store it: {status.format_status(reason)}"
    if reason == status.SOP_CLASS_NOT_SUPPORTED:
        raise ClassRefused(words)
    raise (Transient if outcome == "transient" else Permanent)(words)


def _find(answer: dict[str, Any], sequence: str, sop_instance_uid: str) -> dict[str, Any] | None:
    return next((item for item in _list_items(answer, sequence) if _read(item, _INSTANCE) == sop_instance_uid), None)


def _list_items(answer: dict[str, Any], sequence: str) -> list[dict[str, Any]]:
    element = answer.get(sequence)
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _read(item: dict[str, Any], tag: str) -> Any:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def _read_number(item: dict[str, Any], tag: str) -> int | None:
    value = _read(item, tag)
    return value if isinstance(value, int) and 0 <= value <= 0xFFFF else None  # noqa: PLR2004  # the width of a status
