"""Deliveries that travel together, and the name under which they are enqueued."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from scp.durable.batch import Batch, group_deliveries
from scp.durable.job import DELIVER
from storage.outbox.deliveries import Delivery, DeliveryState

DUE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ONE = Delivery(1, "1.2", 3, "1.2.9", "sr", "x.dcm", "PACS", DeliveryState.PENDING, 0, DUE, "", None, DUE, DUE, None)


def test_a_job_is_named_after_all_that_makes_the_batch():
    job = Batch.from_delivery(ONE).job
    assert job.workflow_id == "deliver:PACS:1.2:3:2026-03-02T08:00:00+00:00"
    assert job.arguments == ("1.2", 3, "PACS", "2026-03-02T08:00:00+00:00")
    assert (job.kind, job.partition) == (DELIVER, "deliver_batch:PACS")


def test_documents_of_one_result_for_one_destination_travel_together():
    same = replace(ONE, id=2, sop_instance_uid="1.2.10", kind="overlay")
    assert group_deliveries([ONE, same]) == [Batch("1.2", 3, "PACS", "2026-03-02T08:00:00+00:00")]


def test_each_difference_makes_another_batch_and_another_job():
    others = [
        replace(ONE, series_instance_uid="1.3"),
        replace(ONE, version=4),
        replace(ONE, destination="ARCHIVE"),
        replace(ONE, next_attempt_at=DUE + timedelta(microseconds=1)),
    ]
    batches = group_deliveries([ONE, *others])
    assert len({batch.job.workflow_id for batch in batches}) == len(batches) == 5


def test_batches_keep_the_order_in_which_they_fell_due():
    late = replace(ONE, id=2, series_instance_uid="1.1", next_attempt_at=DUE + timedelta(seconds=1))
    assert [batch.series_instance_uid for batch in group_deliveries([ONE, late, replace(ONE, id=3)])] == ["1.2", "1.1"]
