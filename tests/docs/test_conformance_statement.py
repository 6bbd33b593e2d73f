"""The conformance statement is what the command prints, and its tables are what the node does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from config.settings import NodeSettings, Settings
from dicom import implementation, status
from dicom.character_sets import find_codecs
from dicom.coding import Code
from dicom.commitment import FailureReason
from dicom.repertoires import find_repertoire
from scoring.report.sr import codes
from scp.conformance.contexts import SETS
from scp.conformance.statement import write_statement
from scp.conformance.statuses import ANSWERS
from scp.node import Node
from scp.reception.provided import ProvidedService, select_contexts
from scp.reception.server import Server
from storage.objects import attributes
from storage.query import computed

UNIQUE_KEYS = {"PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}  # PS3.4 C.6.1.1, C.6.2.1


def test_the_page_is_what_the_command_prints(conformance):
    assert conformance.text == write_statement(), "renew it with: coronode conformance --out docs/conformance.md"


def test_headings_are_told_apart_by_their_links(conformance):
    heads = re.findall(r"^#+ (.+)$", conformance.prose(), re.MULTILINE)
    assert len(conformance.anchors()) == len(heads)


@pytest.fixture(scope="module")
def provided(tmp_path_factory) -> tuple[ProvidedService, ...]:
    """The services that a node gives to its server."""
    given: list[ProvidedService] = []

    class Listening(Server):
        def __init__(self, settings, admission, services, **others):
            given.extend(services)
            super().__init__(settings, admission, services, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scp.receivers.reception.Server", Listening)
        folder = tmp_path_factory.mktemp("node")
        node = Node(Settings(node=NodeSettings(data_dir=folder, port=0)))
        node.database.close()
        node._lock.release()
    return tuple(given)


@pytest.mark.parametrize(
    "services", [(), ("store",), ("query",), ("retrieve",), ("commit",), ("mpps",), ("store", "query")], ids=str
)
def test_sop_classes_are_those_that_a_node_accepts(conformance, provided, services):
    rows = conformance.table("SOP class", "UID", "Service")
    stated = {
        (uid, role, tuple(SETS[syntaxes]))
        for _, uid, service, role, syntaxes in rows
        if service in ("always", *services)
    }
    accepted = {
        (c.abstract_syntax, ", ".join(["SCU"] * c.as_scu + ["SCP"] * c.as_scp), c.transfer_syntaxes)
        for c in select_contexts(provided, services)
    }
    assert stated == accepted


def test_every_service_has_its_rows(conformance, provided):
    told = {row[2] for row in conformance.table("SOP class", "UID", "Service")}
    assert told == {service.name or "always" for service in provided if service.contexts}


def test_sop_classes_and_transfer_syntaxes_have_their_names(conformance):
    for name, uid, *_ in (*conformance.table("SOP class", "UID"), *conformance.table("Transfer syntax", "UID")):
        assert not uid or name == UID(uid).name


def test_transfer_syntaxes_are_those_that_are_accepted(conformance):
    rows = conformance.table("Transfer syntax", "UID", "Set")
    for name, syntaxes in SETS.items():
        assert [row[1] for row in rows if name in row[2].split(", ")] == [*syntaxes], name


# Where the statuses of a section of the statement come from: a module, and a function of it where not all is answered.
STORED = (
    "scp/reception/incoming.py",
    "scp/reception/data_set.py",
    "storage/objects/disk.py",
    "storage/objects/header.py",
    "storage/objects/pixel_data.py",
    "storage/intake/instances.py",
    "storage/series/removals.py",
    "storage/intake/group_commit.py",
)
"""Where an object that comes in is refused, whichever way it comes."""

ANSWERED = {
    "any-request": ["scp/network/acceptor.py", "scp/services/fitting.py"],
    "verification": ["scp/services/verification.py"],
    "storage": ["scp/services/storage.py", *STORED],
    "stow": ["scp/web/dicomweb/storing.py", "scp/web/dicomweb/store.py", *STORED],
    "query": ["scp/services/query.py", "scp/services/identifier.py", "storage/query/keys.py"],
    "retrieval": [
        "scp/services/retrieve/service.py",
        "scp/services/retrieve/dialogue.py",
        "scp/services/retrieve/progress.py",
        "scp/services/retrieve/move.py",
        "scp/services/retrieve/sending.py",
        "scp/services/identifier.py",
        "storage/query/retrieval.py",
    ],
    "mpps": ["scp/services/mpps.py", "scp/services/performed_step.py"],
    "commitment": ["scp/services/commitment.py", "dicom/commitment.py:decode_request,_decode,_read_uid"],
    "commitment-report": [
        "scp/scu/commitment.py:read_report,_check_length,_check_event",
        "scp/delivery/commitment.py",
        "dicom/commitment.py:decode_result,_decode,_read_uid",
    ],
    "report-received": ["scp/priors/retrieve.py:_keep", "scp/network/retrieval.py:get"],
}


def used_statuses(root, place: str) -> set[int]:
    """The constants of `dicom.status` that a module, or some functions of it, name."""
    path, _, named = place.partition(":")
    functions = named.split(",") if named else []
    tree = ast.parse((root / path).read_text("utf-8"))
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in functions]
    assert len(scopes) == len(functions), place
    names = [
        node.attr
        for scope in scopes or [tree]
        for node in ast.walk(scope)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "status"
    ]
    return {getattr(status, name) for name in names if name.isupper()}


@pytest.mark.parametrize("section", ANSWERS)
def test_every_status_that_a_service_answers_is_stated(root, section):
    used = set().union(*(used_statuses(root, place) for place in ANSWERED[section]))
    assert used
    assert {answer.status for answer in ANSWERS[section]} == used


def test_every_failure_reason_is_stated(conformance, root):
    told = {int(row[0], 16) for row in conformance.table("Failure Reason", "When")}
    places = ("storage/commitments/proof.py", "scp/services/commitment_reports.py")
    source = "".join((root / place).read_text("utf-8") for place in places)
    assert told == {FailureReason[name] for name in re.findall(r"\bFailureReason\.([A-Z_]+)", source)}


def test_no_other_module_answers_a_status(root):
    answering = {place.partition(":")[0] for places in ANSWERED.values() for place in places}
    others = [path for room in ("scp", "storage") for path in (root / room).rglob("*.py")]
    # who asks compares the answers of a peer; the demo's PACS is no part of the node; statement, log, metrics only tell
    elsewhere = set((root / "scp/scu").glob("*.py")) | {root / "scp/cli/demo_pacs.py"}
    elsewhere |= {root / "scp/conformance/statuses.py", root / "scp/fetching/archive.py"}
    elsewhere |= {root / "scp/reception/association_log.py", root / "scp/metrics.py"}
    found = {
        place for path in others if path not in elsewhere and used_statuses(root, place := str(path.relative_to(root)))
    }
    assert found <= answering


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


def test_character_sets_are_read_and_written(conformance):
    rows = conformance.section("5.7 Specific character sets").table("Character sets", "Defined terms")
    told = []
    for _, terms in rows:
        numbered = re.fullmatch(r"(ISO_IR|ISO 2022 IR) (\d+(?:, \d+)+)", terms)
        told += [f"{numbered[1]} {number}" for number in numbered[2].split(", ")] if numbered else terms.split(", ")
    assert len(told) == 31
    for term in set(told) - {"ISO 2022 IR 6"}:
        repertoire = find_repertoire(term)
        assert repertoire is not None, term
        assert repertoire.terms == term
        assert find_codecs(term, inherited=("unknown",)) != ("unknown",)


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


def every_code(value: object) -> Iterator[Code]:
    """The codes that a value of the module of codes is or holds."""
    if isinstance(value, Code):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from every_code(inner)


def test_every_code_of_the_documents_is_told(conformance):
    annexes = conformance.text[conformance.text.index("## Annex A.A") :]
    told = set(re.findall(r"\((\S+), (\w+)\)", annexes))
    units = {row[3] for row in conformance.table("Concept name", "Relationship")}
    own = {row[0] for row in conformance.table("Code value", "Meaning")}
    for code in (code for value in vars(codes).values() for code in every_code(value)):
        if code.scheme_designator == "UCUM":
            assert code.value in units, code
        elif code.scheme_designator == codes.PRIVATE_SCHEME:
            assert code.value in own, code
        else:
            assert (code.value, code.scheme_designator) in told, code
