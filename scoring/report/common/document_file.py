"""A document as it leaves this package, in a module of its own so that importing its type stays cheap."""

from __future__ import annotations

from dataclasses import dataclass

from config.results import DocumentKind, SrTemplate


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A document as a Part 10 object (PS3.10 7), with what delivery and predecessor references need.

    `template` is the form of a structured report, None for every other kind.
    """

    kind: DocumentKind
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    content: bytes
    template: SrTemplate | None = None
