"""What the configuration says of objects that are sent to the node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from config.settings import MIB, Companions, NodeSettings
from dicom.sop_classes import is_companion
from scp.network.errors import TooLong
from scp.services.rejection_notes import RejectionNotes


@dataclass(frozen=True, slots=True)
class StorageRules:
    """What a configuration says of objects: each is judged by one, that of its beginning. Lengths are in bytes.

    `notes` obeys rejection notes; None: no note counts.
    """

    reserve_bytes: int = 0
    longest_bytes: int = 2**63
    companions: Companions = "keep"
    notes: RejectionNotes | None = None

    @classmethod
    def from_settings(cls, node: NodeSettings, notes: RejectionNotes | None = None) -> Self:
        """Make the configured rules."""
        return cls(node.reserve_mb * MIB, node.longest_object_mb * MIB, node.companions, notes)

    def drops(self, sop_class_uid: str) -> bool:
        """Return whether an object is read and thrown away: a companion, unless it may be a note that counts."""
        if self.companions == "keep" or not is_companion(sop_class_uid):
            return False
        return self.notes is None or not self.notes.must_keep(sop_class_uid)

    def check_length(self, size: int) -> None:
        """Raise TooLong for an object that is longer than allowed, in bytes."""
        if size > self.longest_bytes:
            raise TooLong(f"an object of more than {self.longest_bytes} bytes (node.longest_object_mb)")


NO_RULES: Final = StorageRules()
"""Everything is kept."""
