"""Values of a requestor: whom to call, and a rejection."""

from __future__ import annotations

from dataclasses import dataclass

from scp.network.associate import Rejection
from scp.network.errors import AssociationEnded
from scp.network.tls.calling import Security


@dataclass(frozen=True, slots=True)
class Opening:
    """Whom to call and as whom; times are in seconds, `total_seconds` bounds the whole association.

    What takes longer than `dimse_timeout` must go at `bytes_per_second`; 0: at any rate. `security` is how it is called
    over TLS; None: without.
    """

    calling_ae: str
    called_ae: str
    host: str
    port: int
    connection_timeout: float
    acse_timeout: float
    dimse_timeout: float
    maximum_length: int
    total_seconds: float | None = None
    security: Security | None = None
    bytes_per_second: float = 0


class AssociationRejected(AssociationEnded):
    """The peer rejected the association."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__("rejected")
        self.rejection = rejection
