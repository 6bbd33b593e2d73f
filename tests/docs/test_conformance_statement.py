"""The conformance statement's tables agree with the code."""

from __future__ import annotations

import ast
import re

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from config.settings import Settings
from dicom import implementation, status
from dicom.sop_classes import UNCOMPRESSED
from scoring.report.sr import codes
from scp.reception.provided import ProvidedService, select_contexts
from scp.services import mpps, query, storage, verification
from storage.objects import attributes
from storage.query import computed

SETS = {
    "uncompressed": UNCOMPRESSED,
    "image": storage.IMAGE_TRANSFER_SYNTAXES,
    "companion": storage.COMPANION_TRANSFER_SYNTAXES,
}
UNIQUE_KEYS = {"PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}  # PS3.4 C.6.1.1, C.6.2.1
PROVIDED = (
    verification.provide(),
    ProvidedService("store", storage.CONTEXTS, {}),
    ProvidedService("query", query.CONTEXTS, {}),
    ProvidedService("mpps", mpps.CONTEXTS, {}),
)


@pytest.mark.parametrize("services", [(), ("store",), ("query",), ("mpps",), ("store", "query", "mpps")], ids=str)
def test_sop_classes_are_those_that_are_accepted(conformance, services):
    rows = conformance.table("SOP class", "UID", "Service")
    stated = {uid: tuple(SETS[syntaxes]) for _, uid, service, syntaxes in rows if service in ("always", *services)}
    assert stated == {c.abstract_syntax: c.transfer_syntaxes for c in select_contexts(PROVIDED, services)}


def test_sop_classes_and_transfer_syntaxes_have_their_names(conformance):
    for name, uid, *_ in (*conformance.table("SOP class", "UID"), *conformance.table("Transfer syntax", "UID")):
        assert name == UID(uid).name


def test_transfer_syntaxes_are_those_that_are_accepted(conformance):
    rows = conformance.table("Transfer syntax", "UID", "Set")
    for name, syntaxes in SETS.items():
        assert [row[1] for row in rows if name in row[2].split(", ")] == [*syntaxes], name


# Where the statuses of a section of the statement come from: a module, and a function of it where not all is answered.
ANSWERED = {
    "Any request": ["scp/network/acceptor.py", "scp/services/fitting.py"],
    "Verification as SCP": ["scp/services/verification.py"],
    "Storage as SCP": [
        "scp/services/storage.py",
        "scp/reception/incoming.py",
        "scp/reception/data_set.py",
        "storage/objects/disk.py",
        "storage/objects/header.py",
        "storage/objects/pixel_data.py",
        "storage/intake/instances.py",
        "storage/intake/group_commit.py",
    ],
    "Query as SCP": ["scp/services/query.py", "storage/query/keys.py"],
    "Modality Performed Procedure Step as SCP": ["scp/services/mpps.py", "scp/services/performed_step.py"],
    "Objects received by C-GET": ["scp/priors/retrieve.py:_keep", "scp/network/retrieval.py:get"],
}


def used_statuses(root, place: str) -> set[int]:
    """The constants of `dicom.status` that a module, or one function of it, names."""
    path, _, function = place.partition(":")
    tree = ast.parse((root / path).read_text("utf-8"))
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function]
    assert len(scopes) == bool(function), place
    names = [
        node.attr
        for scope in scopes or [tree]
        for node in ast.walk(scope)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "status"
    ]
    return {getattr(status, name) for name in names if name.isupper()}


@pytest.mark.parametrize("title", ANSWERED)
def test_every_status_that_a_service_answers_is_stated(conformance, root, title):
    stated = {int(row[0], 16) for row in conformance.section(title).table("Status", "Meaning")}
    used = set().union(*(used_statuses(root, place) for place in ANSWERED[title]))
    assert used
    assert stated == used


def test_no_other_module_answers_a_status(root):
    answering = {place.partition(":")[0] for places in ANSWERED.values() for place in places}
    others = [path for room in ("scp", "storage") for path in (root / room).rglob("*.py")]
    # who sends objects compares the answers of a peer; the demo's PACS is no part of the node
    elsewhere = {"scp/scu/storage.py", "scp/scu/verification.py", "scp/cli/demo_pacs.py"}
    found = {str(path.relative_to(root)) for path in others if used_statuses(root, str(path.relative_to(root)))}
    assert found <= answering | elsewhere


def test_a_status_is_written_as_a_number_in_one_place_alone(root):
    codes = {value for name, value in vars(status).items() if name.isupper() and isinstance(value, int)}
    # as numbers they are tags, too
    codes -= {status.SUCCESS, status.GENERAL_WARNING, status.PROCESSING_FAILURE, status.MISSING_ATTRIBUTE}
    for room in ("scp", "storage", "scoring", "dicom"):
        for path in (root / room).rglob("*.py"):
            if path != root / "dicom/status.py":
                numbers = set(re.findall(r"\b0x[0-9A-Fa-f]{4}\b", path.read_text("utf-8")))
                written = {int(number, 16) for number in numbers} & codes
                assert not written or is_prose(path, written), path


def is_prose(path, codes: set[int]) -> bool:
    """Whether the numbers stand in comments and strings alone."""
    tree = ast.parse(path.read_text("utf-8"))
    return not any(isinstance(node, ast.Constant) and node.value in codes for node in ast.walk(tree))


def test_meaning_of_a_peers_answers(conformance):
    rows = conformance.section("Responses to our C-STORE").table("Status", "Taken as")
    told = {int(code, 16): meaning for code, meaning in rows}
    ranges = {0xA7: 0xA700, 0xA9: 0xA900, **dict.fromkeys(range(0xB0, 0xC0), 0xB000)}
    ranges |= dict.fromkeys(range(0xC0, 0xD0), 0xC000)
    for code in range(0x10000):
        meaning = told.get(ranges.get(code >> 8, code), "permanent")
        assert status.classify_outcome(code) == meaning, f"{code:04X}"


def test_query_keys_are_those_that_are_indexed(conformance):
    told = {}
    for level, keyword, tag, remark in conformance.table("Level", "Key", "Tag"):
        told[keyword] = level
        known = tag_for_keyword(keyword)
        assert known is not None
        assert tag == f"({known >> 16:04X},{known & 0xFFFF:04X})", keyword
        assert (remark == "unique key") == (keyword in UNIQUE_KEYS), keyword
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
