import pytest

from scoring.report.sr import reading
from scp.services import contexts


def abstract(services):
    return {context.abstract_syntax for context in contexts.accepted(services)}


def test_verification_is_open_to_every_peer():
    assert abstract(()) == {contexts.VERIFICATION}


def test_storage_takes_the_three_ct_classes_in_every_named_syntax():
    stored = {c.abstract_syntax: set(c.transfer_syntax) for c in contexts.accepted(("store",))}
    named = {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
    }
    for sop_class in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"):
        assert named <= stored[sop_class]


def test_storage_takes_the_reports_that_can_be_read():
    assert set(reading.REPORT_CLASSES) == set(contexts.REPORT_STORAGE) <= abstract(("store",))


def test_lossy_jpeg_and_big_endian_are_not_taken():
    every = {syntax for context in contexts.accepted(("store", "query")) for syntax in context.transfer_syntax}
    assert not every & {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}


def test_query_is_open_to_querying_peers_alone():
    assert abstract(("store",)).isdisjoint(contexts.QUERY)
    assert abstract(("query",)) == {contexts.VERIFICATION, *contexts.QUERY}


def test_more_kinds_than_contexts_are_refused():
    kinds = {(f"1.2.3.{number}", contexts.UNCOMPRESSED[0]) for number in range(129)}
    with pytest.raises(ValueError, match="128"):
        contexts.proposed(kinds)
    assert len(contexts.proposed(set(list(kinds)[:128]))) == 128
