"""Typed, frozen settings of the node: one class for each section of the configuration file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from config.alerts import AlertSettings
from config.auditing import AuditSettings
from config.group import GroupSettings
from config.host import Host
from config.passcodes import HashedPasscode
from config.results import DocumentKind, ResultsSettings, SrTemplate
from config.retention import RetentionSettings
from config.risk import RiskSettings
from config.secrets import HIDDEN_VALUE
from config.section import ONCE, AeTitle, ListenPort, Seconds, Section, list_controls
from config.storage import StorageSettings
from config.tls import CalledPeer, TlsSettings, list_contradictions
from config.validation import ValidationSettings
from config.web import WebSettings
from config.web_peer import WebPeer

MIB: Final = 1024 * 1024
"""Bytes in the unit of every key that ends in `_mb`."""
MOST_MB: Final = 1024 * 1024 * 1024
"""A pebibyte: more than any disk of a node, and a number that every system takes."""
_LONGEST_PEER_NAME: Final = 64


Service = Literal["store", "query", "retrieve", "commit", "mpps"]
Retrieval = Literal["auto", "get", "move"]
Witness = Literal["off", "count", "fetch"]
Companions = Literal["keep", "drop"]
RejectionReason = Literal["quality", "safety", "worklist", "retention"]
ConventionName = Literal["standard", "literature", "siemens", "philips", "canon", "ge", "kvp-adapted"]
PatientSize = Literal["small", "medium", "large"]


def _check_passcode(value: str) -> str:
    """Check the hash of a passcode."""
    HashedPasscode.parse(value)
    return value


def _check_user(value: str) -> str:
    """Check the name of a user."""
    if not value.strip() or list_controls(value):
        raise ValueError("the name of a user is a text of one line")
    return value


def _check_peer_name(value: str) -> str:
    """Check the name of a peer: commands, addresses of pages and variables of the environment have it as a word."""
    if not 0 < len(value) <= _LONGEST_PEER_NAME or value != value.strip() or value[0] == "-" or list_controls(value):
        raise ValueError("a peer's name is 1 to 64 characters, neither spaces around them nor a hyphen in front")
    return value


Passcode = Annotated[str, AfterValidator(_check_passcode), HIDDEN_VALUE]
UserName = Annotated[str, AfterValidator(_check_user)]
PeerName = Annotated[str, AfterValidator(_check_peer_name)]


class NodeSettings(Section):
    """The node as an application entity: where it listens, whom it accepts, its limits.

    A `port` of 0 lets the system choose one. `receivers` processes share the ports, 0 for as many as there are
    processors; with 1 the node itself receives. `companions` are the objects of a CT study that are not its images.
    """

    ae_title: AeTitle = "CORONODE"
    host: Host = "127.0.0.1"
    port: ListenPort = 11112
    data_dir: Path = Path("coronode-data")
    accept_unknown_peers: bool = False
    receivers: int = Field(default=1, ge=0, le=64)
    max_associations: int = Field(default=32, ge=1, le=1000)
    max_associations_per_peer: int = Field(default=16, ge=1, le=1000)
    max_moves: int = Field(default=8, ge=1, le=1000)
    max_moves_per_destination: int = Field(default=4, ge=1, le=1000)
    max_pdu: int = Field(default=131072, ge=4096, le=16 * 1024 * 1024)
    longest_pdu: int = Field(default=16 * 1024 * 1024, ge=4096, le=2**32 - 1)
    longest_object_mb: int = Field(default=8192, ge=1, le=MOST_MB)
    slowest_bytes_per_second: int = Field(default=1000, ge=0, le=1_000_000)
    companions: Companions = "keep"
    acse_timeout: Seconds = 30
    dimse_timeout: Seconds = 60
    network_timeout: Seconds = 120
    reserve_mb: int = Field(default=1024, ge=0, le=MOST_MB)
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tls: TlsSettings = TlsSettings()

    @model_validator(mode="after")
    def _keep_ports_apart(self) -> Self:
        if self.port and self.port == self.tls.port and not self.tls.only:
            raise ValueError(
                f"port {self.port} is that of node.tls, too; give node.tls.port another one (2762 is the registered "
                "one), or close the port without TLS by node.tls.only = true"
            )
        return self


class PeerSettings(WebPeer, CalledPeer):
    """A DICOM application entity that calls the node, is called by it, or both; or a web service that takes results.

    `services` lists what it may use: "store" (send images), "query" (C-FIND), "retrieve" (C-MOVE, C-GET), "commit"
    (Storage Commitment), "mpps" (Modality Performed Procedure Step); C-ECHO is open to every known peer. `documents`
    are those sent to it, None for `results.documents`; with `commit` it is asked to commit to their storage. With
    `users`, hashed passcodes by name, it must call as one of them. Rejection notes count only from a peer that
    `may_reject`. `retrieve` is how objects are fetched from it: by C-GET, C-MOVE, or what it takes. `witness` says
    whether it is asked how many images a series has that it sent ("count"), and for those that have not come ("fetch"),
    at most `witness_per_minute` times.
    """

    services: Annotated[tuple[Service, ...], ONCE] = ("store", "query", "retrieve", "commit", "mpps")
    may_reject: bool = True
    sr: SrTemplate = "tid1500"
    documents: Annotated[tuple[DocumentKind, ...] | None, ONCE] = None
    users: dict[UserName, Passcode] = Field(default={}, repr=False)
    commit: bool = False
    retrieve: Retrieval = "auto"
    witness: Witness = "off"
    witness_per_minute: int = Field(default=30, ge=1, le=6000)

    @model_validator(mode="after")
    def _let_it_report(self) -> Self:
        if self.commit and "commit" not in self.services:
            raise ValueError('commit: the peer calls to report what it has committed to; add "commit" to its services')
        return self

    @model_validator(mode="after")
    def _let_it_be_asked(self) -> Self:
        if self.witness != "off" and self.port is None:
            raise ValueError('witness: a peer without a port cannot be asked; add its port, or set it to "off"')
        return self


class CompletionSettings(Section):
    """Times that decide when a series is complete: quiet timer, deadline for gaps, limit on an open association."""

    quiet_seconds: Seconds = 60
    gap_deadline_seconds: Seconds = 900
    hold_seconds: Seconds = 600


class SelectionSettings(Section):
    """Limits on the slice thickness and spacing of a series that is scored, mm, and the rejection notes that count."""

    minimum_thickness_mm: float = Field(default=0.4, ge=0, le=100)
    maximum_thickness_mm: float = Field(default=5.0, gt=0, le=100)
    rejection_notes: Annotated[tuple[RejectionReason, ...], ONCE] = ("quality", "safety", "worklist")


class ScoringSettings(Section):
    """Rules and engine of the scoring. `mass_factor` is mg/cm3 per HU, used when the header gives none.

    `workers` is the number of scoring processes; `memory_mb` limits each of them, in MiB.
    """

    convention: ConventionName = "standard"
    engine: str = "default"
    mass_factor: float | None = Field(default=None, gt=0, le=100)
    patient_size: PatientSize = "medium"
    timeout_seconds: Seconds = 600
    memory_mb: int = Field(default=4096, ge=1024, le=MOST_MB)
    workers: int = Field(default=1, ge=1, le=64)


class PriorsSettings(Section):
    """The peer queried for a patient's earlier results, in addition to the node's own index."""

    peer: str | None = None
    timeout_seconds: Seconds = 30


class Settings(Section):
    """The whole configuration."""

    node: NodeSettings = NodeSettings()
    peers: dict[PeerName, PeerSettings] = Field(default={})
    completion: CompletionSettings = CompletionSettings()
    selection: SelectionSettings = SelectionSettings()
    scoring: ScoringSettings = ScoringSettings()
    results: ResultsSettings = ResultsSettings()
    risk: RiskSettings = RiskSettings()
    priors: PriorsSettings = PriorsSettings()
    storage: StorageSettings = StorageSettings()
    web: WebSettings = WebSettings()
    validation: ValidationSettings = ValidationSettings()
    audit: AuditSettings = AuditSettings()
    retention: RetentionSettings = RetentionSettings()
    alerts: AlertSettings = AlertSettings()
    group: GroupSettings = GroupSettings()

    @property
    def callers(self) -> dict[str, PeerSettings]:
        """The peers that may call: all but web services."""
        return {name: peer for name, peer in self.peers.items() if peer.url is None}

    @model_validator(mode="after")
    def _check_peer_names(self) -> Self:
        for name in self.results.destinations:
            peer = self.peers.get(name)
            if peer is None:
                known = ", ".join(sorted(self.peers)) or "none is configured"
                raise ValueError(f"results.destinations: no peer is named {name!r}; peers: {known}")
            if peer.port is None and peer.url is None:
                raise ValueError(f"results.destinations: peer {name!r} has no port to send to; add peers.{name}.port")
        if self.priors.peer is not None:
            asked = self.peers.get(self.priors.peer)
            if asked is None:
                known = ", ".join(sorted(self.peers)) or "none is configured"
                raise ValueError(f"priors.peer: no peer is named {self.priors.peer!r}; peers: {known}")
            if asked.port is None:
                raise ValueError(
                    f"priors.peer: {self.priors.peer!r} has no port to ask; add peers.{self.priors.peer}.port"
                )
        for words in list_contradictions(self.node.tls, self.peers):
            raise ValueError(words)
        return self
