import pytest

from scp.network.command import SubOperations
from scp.services.retrieve.progress import Outcome, Progress

KINDS = {"c": "completed", "w": "warning", "f": "failed"}


def carried_out(outcomes: str, total: int | None = None) -> Progress:
    progress = Progress(len(outcomes) if total is None else total)
    for number, kind in enumerate(outcomes, 1):
        progress.note(f"1.2.{number}", Outcome(KINDS[kind], f"reason {number}" if kind == "f" else ""))
    return progress


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ("", 0x0000),
        ("ccc", 0x0000),
        ("ccf", 0xB000),
        ("ccw", 0xB000),
        ("www", 0xB000),
        ("wff", 0xB000),
        ("fff", 0xA702),
    ],
)
def test_final_status_of_ps3_4_c_4_2_3_1(outcomes, status):
    assert carried_out(outcomes).decide() == status


def test_failures_are_named_and_the_first_reason_is_kept():
    progress = carried_out("cfwf")
    assert progress.failed_uids == ["1.2.2", "1.2.4"]
    assert progress.reason == "reason 2"
    assert progress.count(final=True) == SubOperations(None, 1, 2, 1)


def test_pending_and_cancelled_responses_count_what_is_left():
    progress = carried_out("cf", total=5)
    assert progress.count(final=False) == SubOperations(3, 1, 1, 0)
    progress.is_cancelled = True
    assert progress.decide() == 0xFE00
    assert progress.count(final=True) == SubOperations(3, 1, 1, 0)


def test_what_nobody_can_name_any_more_has_failed():
    progress = carried_out("c", total=3)
    assert progress.fail_rest("deleted") == 2
    assert (progress.remaining, progress.failed, progress.failed_uids) == (0, 2, [])
    assert progress.decide() == 0xB000
    assert progress.fail_rest("deleted") == 0


def test_the_requestor_is_told_at_once_and_then_twice_a_second():
    now = [100.0]
    progress = Progress(9, clock=lambda: now[0])
    told = []
    for _ in range(20):
        told.append(progress.is_due())
        now[0] += 0.1
    assert [number for number, is_told in enumerate(told) if is_told] in (
        [0, 5, 10, 15],
        [0, 6, 11, 16],
        [0, 6, 12, 18],
    )
