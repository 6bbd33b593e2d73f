"""The node's Prometheus metrics: states and sizes, no patient data."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

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
IN_QUARANTINE: Final = Gauge("coronode_quarantine_objects", "Objects in quarantine", registry=REGISTRY)
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


def render() -> bytes:
    """Return every metric in the text format of Prometheus."""
    return generate_latest(REGISTRY)
