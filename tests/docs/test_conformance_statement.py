"""The conformance statement's tables agree with the code."""

from __future__ import annotations

import re

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from config.settings import Settings
from dicom import implementation, status
from scoring.report.sr import codes
from scp.services import contexts
from storage.objects import attributes, header
from storage.objects.files import OUT_OF_RESOURCES
from storage.query import computed, search

SETS = {"uncompressed": contexts.UNCOMPRESSED, "image": contexts.IMAGE_TRANSFER_SYNTAXES}


@pytest.mark.parametrize("services", [(), ("store",), ("query",), ("store", "query")], ids=str)
def test_sop_classes_are_those_that_are_accepted(conformance, services):
    rows = conformance.table("SOP class", "UID", "Service")
    told = {uid: list(SETS[syntaxes]) for _, uid, service, syntaxes in rows if service in ("always", *services)}
    assert told == {c.abstract_syntax: c.transfer_syntax for c in contexts.accepted(services)}


def test_sop_classes_and_transfer_syntaxes_have_their_names(conformance):
    for name, uid, *_ in (*conformance.table("SOP class", "UID"), *conformance.table("Transfer syntax", "UID")):
        assert name == UID(uid).name


def test_transfer_syntaxes_are_those_that_are_accepted(conformance):
    rows = conformance.table("Transfer syntax", "UID", "Set")
    assert [row[1] for row in rows] == [*contexts.IMAGE_TRANSFER_SYNTAXES]
    assert {row[1] for row in rows if "uncompressed" in row[2]} == set(contexts.UNCOMPRESSED)


def told_codes(conformance, title: str) -> set[int]:
    return {int(row[0], 16) for row in conformance.section(title).table("Status", "Meaning")}


def written_codes(module) -> set[int]:
    """Status codes that stand in a module as hexadecimal numbers."""
    return {int(number, 16) for number in re.findall(r"\b0x[0-9A-F]{4}\b", module.read_text("utf-8"))}


def test_status_codes_of_storage(conformance, root):
    answered = {status.SUCCESS, OUT_OF_RESOURCES, header.DOES_NOT_MATCH, header.CANNOT_UNDERSTAND}
    assert told_codes(conformance, "Storage as SCP") == answered | {status.UNABLE_TO_PROCESS}
    assert written_codes(root / "scp/services/storage.py") <= answered


def test_status_codes_of_query(conformance, root):
    answered = {status.PENDING, status.PENDING_UNSUPPORTED, status.CANCELLED, search.DOES_NOT_MATCH, status.SUCCESS}
    answered.add(status.UNABLE_TO_PROCESS)
    assert told_codes(conformance, "Query as SCP") == answered
    assert written_codes(root / "scp/services/query.py") <= answered


def test_meaning_of_a_peers_answers(conformance):
    rows = conformance.section("What an answer to our C-STORE means").table("Status", "Taken as")
    told = {int(code, 16): meaning for code, meaning in rows}
    ranges = {0xA7: 0xA700, 0xA9: 0xA900, **dict.fromkeys(range(0xB0, 0xC0), 0xB000)}
    ranges |= dict.fromkeys(range(0xC0, 0xD0), 0xC000)
    for code in range(0x10000):
        meaning = told.get(ranges.get(code >> 8, code), "permanent")
        assert status.outcome(code) == meaning, f"{code:04X}"


def test_query_keys_are_those_that_are_indexed(conformance):
    told = {}
    for level, keyword, tag, remark in conformance.table("Level", "Key", "Tag"):
        told[keyword] = level
        known = tag_for_keyword(keyword)
        assert known is not None
        assert tag == f"({known >> 16:04X},{known & 0xFFFF:04X})", keyword
        assert (remark == "unique key") == (keyword in attributes.UNIQUE_KEYS.values()), keyword
    indexed = {attribute.keyword: attribute.level for attribute in attributes.ATTRIBUTES.values()}
    assert told == {**indexed, **computed.COMPUTED_LEVELS}


def test_implementation_and_limits_are_named(conformance):
    rows = {row[0]: row[1] for row in conformance.table("Item", "Value")}
    assert rows["Implementation Class UID"] == implementation.IMPLEMENTATION_CLASS_UID
    assert rows["Implementation Version Name"] == implementation.IMPLEMENTATION_VERSION_NAME
    node = Settings().node
    for item, value in (
        ("AE title", node.ae_title),
        ("Port", node.port),
        ("Longest PDU received", node.max_pdu),
        ("Associations at a time", node.max_associations),
    ):
        assert f"default {value}" in rows[item]


def test_documents_are_named(conformance, root):
    """Every Storage SOP class that a module of the documents names is one that is written."""
    told = {UID(row[1]).keyword for row in conformance.table("SOP class", "UID", "What")}
    source = "\n".join(path.read_text("utf-8") for path in sorted((root / "scoring/report").rglob("*.py")))
    assert told == set(re.findall(r"\b[A-Z]\w+Storage\b", source))


def test_codes_of_the_report(conformance):
    part = conformance.section("The documents")
    told = set(re.findall(r"\((\d+), (SCT|DCM)\)", part.text))
    everything = [value for value in vars(codes).values() if hasattr(value, "scheme_designator")]
    required = {(code.value, code.scheme_designator) for code in (*codes.ARTERY.values(), *codes.RISK.values())}
    assert required <= told
    assert told <= {(code.value, code.scheme_designator) for code in everything} | required
    assert codes.PRIVATE_SCHEME in part.text
