"""A contradiction is told once for each association and series, and then at every tenfold."""

import pytest
from structlog.testing import capture_logs

from scp import metrics
from scp.services.contradictions import Contradictions
from storage.intake.instances import Registered
from storage.series.quarantine import Contradiction


class Association:
    def is_alive(self) -> bool:
        return True


def quarantined(series: str, number: int) -> Registered:
    return Registered(
        "conflict",
        series,
        "quarantine/x.dcm",
        reason=Contradiction.OTHER_SERIES,
        held_by="1.2.1.1",
        sop_instance_uid=f"1.2.1.1.{number}",
    )


def counted() -> float:
    return metrics.QUARANTINED.labels("other_series")._value.get()


def test_a_copy_of_a_study_is_a_few_lines():
    contradictions, one, other = Contradictions(), Association(), Association()
    before = counted()
    with capture_logs() as logged:
        for number in range(51):
            contradictions.note(quarantined("1.2.1.99", number), "COPIER", one)
        contradictions.note(quarantined("1.2.1.98", 0), "COPIER", one)
        contradictions.note(quarantined("1.2.1.99", 0), "COPIER", other)
    assert [(line["series"], line["count"]) for line in logged] == [
        ("1.2.1.99", 1),
        ("1.2.1.99", 10),
        ("1.2.1.98", 1),
        ("1.2.1.99", 1),
    ]
    first = logged[0]
    assert first["log_level"] == "warning"
    assert (first["reason"], first["held_by"], first["instance"]) == ("other_series", "1.2.1.1", "1.2.1.1.0")
    assert first["calling"] == "COPIER"
    assert counted() == before + 53


@pytest.mark.parametrize("attributes", [{"PatientID": "OTHER", "PatientName": "OTHER^NAME"}])
def test_the_service_tells_it_without_the_patient(site, keep, slice_of, attributes):
    storage = site.storage
    keep(slice_of(1))
    with capture_logs() as logged:
        storage._contradictions.note(keep(slice_of(1, **attributes)), "PACS", None)
    (line,) = logged
    assert line["reason"] == "other_bytes"
    assert "OTHER" not in repr(line)
