"""The node's Prometheus metrics: states and sizes, no patient data."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dicom import status
from dicom.implementation import VERSION

REGISTRY: Final = CollectorRegistry()

ASSOCIATIONS: Final = Gauge("coronode_associations", "Open associations", registry=REGISTRY)
ACCEPTED: Final = Counter("coronode_associations_accepted", "Associations accepted", registry=REGISTRY)
REFUSED: Final = Counter(
    "coronode_associations_refused",
    "Refused: unknown (AE title or host), unsecured (not over TLS, or with another certificate), user, limit, "
    "peer_limit, disk; closed: stranger (address), silent, tls (handshake)",
    ["reason"],
    registry=REGISTRY,
)
ENDED: Final = Counter(
    "coronode_associations_broken",
    "Associations that ended without a release: closed, aborted, timeout, protocol, object_too_long, internal",
    ["reason"],
    registry=REGISTRY,
)
OBJECTS: Final = Counter("coronode_objects", "Objects received, by C-STORE status", ["status"], registry=REGISTRY)
QUARANTINED: Final = Counter(
    "coronode_objects_quarantined", "Objects received and put into quarantine", ["reason"], registry=REGISTRY
)
COMPANIONS_DROPPED: Final = Counter(
    "coronode_companions_dropped", "Objects read and thrown away because of node.companions", registry=REGISTRY
)
REJECTION_NOTES: Final = Counter(
    "coronode_rejection_notes",
    "Rejection notes: obeyed, repeated; kept and not obeyed: not_configured, not_allowed, contradictory, unreadable",
    ["outcome"],
    registry=REGISTRY,
)
OBJECT_BYTES: Final = Counter("coronode_object_bytes", "Bytes of data sets received", registry=REGISTRY)
QUERIES: Final = Counter("coronode_queries", "C-FIND requests, by final status", ["status"], registry=REGISTRY)
CERTIFICATE_END: Final = Gauge(
    "coronode_certificate_expiry_timestamp_seconds",
    "When the first certificate of a file expires, seconds since 1970",
    ["file"],
    registry=REGISTRY,
)
PROCEDURE_STEPS: Final = Counter(
    "coronode_procedure_steps", "MPPS requests, N-CREATE and N-SET, by status", ["request", "status"], registry=REGISTRY
)
MATCHES: Final = Counter("coronode_query_matches", "Pending C-FIND responses sent", registry=REGISTRY)
COMMITMENTS: Final = Counter(
    "coronode_commitments", "Storage Commitment requests of peers, by N-ACTION status", ["status"], registry=REGISTRY
)
COMMITMENT_REPORTS: Final = Counter(
    "coronode_commitment_reports",
    "Reports to peers: complete, failures; not made: waiting (the peer cannot be called), dead",
    ["outcome"],
    registry=REGISTRY,
)
COMMITTED: Final = Counter(
    "coronode_documents_committed",
    "Documents sent, by what their destination says of their storage: committed, failed, refused (no such service)",
    ["outcome"],
    registry=REGISTRY,
)
RETRIEVALS: Final = Counter(
    "coronode_retrievals", "C-MOVE and C-GET requests, by final status", ["operation", "status"], registry=REGISTRY
)
SUB_OPERATIONS: Final = Counter(
    "coronode_retrieve_sub_operations",
    "C-STORE sub-operations of retrievals: completed, warning, failed",
    ["operation", "outcome"],
    registry=REGISTRY,
)
UNSENDABLE: Final = Counter(
    "coronode_objects_unsendable",
    "Stored objects that a retrieval could not send: file missing or damaged, not decodable",
    registry=REGISTRY,
)

SOURCE_ANSWERS: Final = Counter(
    "coronode_source_answers",
    "Questions to the source of a series: equal (as many as here), other (another number), none (no number, no answer)",
    ["answer"],
    registry=REGISTRY,
)
DELETED_SERIES: Final = Counter(
    "coronode_retention_series", "Series of which retention deleted something, by rule", ["kind"], registry=REGISTRY
)
DELETED_OBJECTS: Final = Counter(
    "coronode_retention_objects", "Objects that retention deleted, by rule", ["kind"], registry=REGISTRY
)
DELETED_BYTES: Final = Counter(
    "coronode_retention_bytes", "Bytes of files that retention deleted, by rule", ["kind"], registry=REGISTRY
)
RETENTION_LAST: Final = Gauge(
    "coronode_retention_last_run_seconds", "When retention last ended a round, Unix time", registry=REGISTRY
)
RETENTION_HELD: Final = Gauge(
    "coronode_retention_held", "1 while retention deletes nothing because of the clock", registry=REGISTRY
)

AUDIT_LOST: Final = Counter(
    "coronode_audit_events_lost",
    "Events of peers that are missing in the audit log, because the database took none for too long",
    registry=REGISTRY,
)

SCORING_SECONDS: Final = Histogram(
    "coronode_scoring_seconds",
    "How long the scoring process worked on a series, scored or not",
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
    registry=REGISTRY,
)
SCORED: Final = Counter(
    "coronode_series_scored", "Series that got an answer: scored, not_scorable", ["outcome"], registry=REGISTRY
)
NOT_SCORABLE: Final = Counter(
    "coronode_series_not_scorable", "Series of which no score was made, by reason code", ["reason"], registry=REGISTRY
)
DELIVERIES: Final = Counter(
    "coronode_deliveries",
    "Attempts at a document, by destination: delivered, postponed, dead, replaced (by another form)",
    ["destination", "outcome"],
    registry=REGISTRY,
)
STARTED: Final = Gauge(
    "coronode_start_timestamp_seconds", "When the node was started, seconds since 1970", registry=REGISTRY
)
BUILD: Final = Gauge(
    "coronode_build_info", "1; version of the node, of Python", ["version", "python"], registry=REGISTRY
)
BUILD.labels(VERSION, platform.python_version()).set(1)

DELIVERY_OUTCOMES: Final = ("delivered", "postponed", "dead", "replaced")
REFUSAL_REASONS: Final = ("unknown", "unsecured", "user", "limit", "peer_limit", "disk", "stranger", "silent", "tls")
ENDINGS: Final = ("closed", "aborted", "timeout", "protocol", "object_too_long", "internal")


def _begin_at_zero() -> None:
    """Make the series of known labels, which otherwise begin with their first event: a rate would miss that one."""
    for code in (status.SUCCESS, status.OUT_OF_RESOURCES):
        OBJECTS.labels(f"0x{code:04X}")
    for outcome in ("scored", "not_scorable"):
        SCORED.labels(outcome)
    for reason in REFUSAL_REASONS:
        REFUSED.labels(reason)
    for ending in ENDINGS:
        ENDED.labels(ending)


def await_deliveries(destinations: Iterable[str]) -> None:
    """Make the counters of destinations that nothing has been sent to yet."""
    for destination in destinations:
        for outcome in DELIVERY_OUTCOMES:
            DELIVERIES.labels(destination, outcome)


_begin_at_zero()


def render() -> bytes:
    """Return every metric in the text format of Prometheus."""
    return generate_latest(REGISTRY)
