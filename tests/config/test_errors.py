"""Verdicts: what they carry, and how they cross the border of a process."""

from __future__ import annotations

import errno
import os
from multiprocessing import Pipe

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable, Rejected, describe_fault, is_fault

VALUES = st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans()


def sent_through_a_pipe(error: Exception) -> Exception:
    """What the other end receives."""
    ours, theirs = Pipe()
    with ours, theirs:
        ours.send(error)
        return theirs.recv()


@given(st.text(), st.dictionaries(st.from_regex(r"[a-z_]+", fullmatch=True), VALUES | st.lists(VALUES).map(tuple)))
def test_a_refusal_crosses_a_pipe_with_code_and_values(code, values) -> None:
    verdict = NotScorable(code, **values)
    again = sent_through_a_pipe(verdict)
    assert type(again) is NotScorable
    assert (again.code, again.values) == (code, values)
    assert str(again) == str(verdict)


def test_a_refusal_is_a_line_for_the_log() -> None:
    verdict = NotScorable("gap", count=2, after=4, before=5)
    assert str(verdict) == "gap count=2 after=4 before=5"
    assert str(NotScorable("no_spine")) == "no_spine"


def test_a_rejection_tells_the_sender_its_reason() -> None:
    rejection = Rejected(0xA700, "disk full")
    assert (rejection.status, str(rejection)) == (0xA700, "disk full")
    assert str(sent_through_a_pipe(rejection)) == "disk full"


FAULTS = ("ENOENT", "ENOTDIR", "EACCES", "EPERM", "EIO", "ESTALE", "ENOSPC", "EDQUOT", "EROFS", "ENOMEM", "EMFILE")
FAULTS += ("EAGAIN", "ETIMEDOUT", "ENOTCONN", "EHOSTDOWN", "ENODEV", "ENXIO")


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_system_refuses_is_a_fault_of_the_machine(name) -> None:
    code = getattr(errno, name)
    error = OSError(code, os.strerror(code), "/store/x.dcm")
    assert is_fault(error)
    assert describe_fault(error) == f"/store/x.dcm: {os.strerror(code)}"


@pytest.mark.parametrize(
    "error",
    [
        OSError("a library's own words for a damaged file"),
        OSError(errno.EINVAL, "a seek to a place before the file"),
        ValueError("damaged"),
        EOFError(),
        MemoryError(),
    ],
)
def test_what_the_data_cause_is_none(error) -> None:
    assert not is_fault(error)
