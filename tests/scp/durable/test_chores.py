"""What is owed to peers becomes jobs: one for each partner and time."""

from datetime import UTC, datetime

from scp.durable.chores import Chore
from scp.durable.job import REPORT_COMMITMENT, Job

DUE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class FakeErrands:
    def __init__(self) -> None:
        self.done = []

    def list_due(self):
        return [(("CT1", "10.0.0.1"), DUE), (("CT2", "10.0.0.2"), DUE)]

    def run(self, *arguments):
        self.done.append(arguments)

    def recover(self):
        raise NotImplementedError

    def release(self):
        raise NotImplementedError


def test_a_job_for_each_partner_in_a_partition_of_its_own():
    errands = FakeErrands()
    jobs = list(Chore(REPORT_COMMITMENT, errands).list_jobs())
    due = DUE.isoformat()
    partition = "report_commitment:CT1:10.0.0.1"
    assert jobs[0] == Job(REPORT_COMMITMENT, f"{partition}:{due}", ("CT1", "10.0.0.1", due))
    assert jobs[1].partition == "report_commitment:CT2:10.0.0.2"
    Chore(REPORT_COMMITMENT, errands).run(*jobs[0].arguments)
    assert errands.done == [("CT1", "10.0.0.1")]
