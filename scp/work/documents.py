"""From a result to documents in the outbox: each destination gets its kinds and its form of report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Final, Protocol

import structlog
from pydicom import dcmread

from config.errors import Rejected, Transient
from config.results import DocumentKind, SrTemplate
from config.settings import Settings
from scoring.report.common.document_file import DocumentFile
from scoring.report.common.identifiers import SR_SOP_CLASSES, sr_instance_uid
from scoring.report.common.request import Predecessor, ReportRequest
from scoring.result import Score
from scp.installation import Installation
from scp.work.requests import DocumentRequest
from storage.intake.instances import find_instance, register
from storage.objects.header import InstanceHeader
from storage.outbox import outgoing
from storage.outbox.deliveries import Document
from storage.series import documents as made
from storage.series import results, slices, states, waits
from storage.series.results import Result
from storage.series.states import State

log = structlog.get_logger(__name__)

NOBODY_EXPECTS_A_SCORE: Final = frozenset(
    {"not_ct", "localizer", "projection", "not_hu", "not_axial", "too_few_slices", "not_a_chest"}
)
"""Codes of refusals that no site waits for: the series was never meant to be scored."""


def label_document(kind: DocumentKind, template: SrTemplate | None = None) -> str:
    """Return the label of a document in the outbox: its kind, and the form of a report unless it is the default."""
    return kind if template in {None, "tid1500"} else f"{kind} {template}"


def parse_template(label: str) -> SrTemplate | None:
    """Return the form of a report from its label; None for any other kind of document."""
    return next((template for template in SR_SOP_CLASSES if label_document("sr", template) == label), None)


class DocumentMaker(Protocol):
    """Makes documents: the scoring process."""

    def make_documents(self, request: DocumentRequest) -> Sequence[DocumentFile]:
        """Make the requested documents, in that order. Raises NotScorable or Transient."""
        ...


class DocumentWork:
    """Makes documents, stores them like received objects, and enters them in the outbox."""

    def __init__(self, installation: Installation, maker: DocumentMaker) -> None:
        self._installation = installation
        self._database = installation.database
        self._files = installation.files
        self._clock = installation.clock
        self._maker = maker

    @property
    def _settings(self) -> Settings:
        """The configuration in force; read once for what must agree."""
        return self._installation.settings

    def is_owed(self, result: Result) -> bool:
        """Return whether a report of the result has yet to be made; refusals get one where the site asks for it.

        What is held back gets none.
        """
        if result.report is not None or not result.score_json or result.held:
            return False
        if result.status == "scored":
            return True
        score = Score.from_json(result.score_json)
        expected = all(flag.code not in NOBODY_EXPECTS_A_SCORE for flag in score.flags if flag.severity == "reject")
        return self._settings.results.not_scorable_report and expected and bool(self._list_kinds(result))

    def report(self, series_instance_uid: str, result: Result) -> None:
        """Make and store the documents, and record the report and its deliveries in one transaction.

        Raises NotScorable when a document cannot be made, Transient when disk or database refuse one.
        """
        files = [
            file
            for kinds, template in self._plan_portions(result)
            for file in self._make(series_instance_uid, result, kinds, template)
        ]
        documents = [self._keep(file, series_instance_uid, result.version) for file in files]
        main = files[0]
        with self._database.session() as session:
            current = states.get(session, series_instance_uid)
            if current.version != result.version or current.state == State.RECEIVING:
                made.supersede(session, series_instance_uid, before=result.version + 1)
                log.info("documents out of date before they were sent", series=series_instance_uid)
                return
            made.supersede(session, series_instance_uid, before=result.version)
            results.set_report(
                session,
                series_instance_uid,
                result.version,
                results.Report(main.sop_class_uid, main.sop_instance_uid, main.series_instance_uid),
            )
            waits.stop_waiting(session, series_instance_uid)
            for destination in self._settings.results.destinations:
                wanted = set(self._list_labels(destination))
                chosen = [document for document in documents if document.kind in wanted]
                outgoing.add(session, chosen, (destination,), self._clock())
        log.info("documents made", series=series_instance_uid, version=result.version, documents=len(documents))

    def make_other(self, series_instance_uid: str, version: int, label: str) -> list[Document]:
        """Make and store the documents of one label for an existing result; documents made before stay unchanged.

        Raises as `report` does.
        """
        result = results.get(self._database, series_instance_uid, version)
        if result is None or not result.score_json:
            return []
        template = parse_template(label)
        kinds: tuple[DocumentKind, ...] = ("sr",) if template is not None else ("overlay",)
        return [
            self._keep(file, series_instance_uid, version)
            for file in self._make(series_instance_uid, result, kinds, template or "tid1500")
        ]

    def _plan_portions(self, result: Result) -> Iterator[tuple[tuple[DocumentKind, ...], SrTemplate]]:
        """Plan the order of work: each form of the report by itself, then everything else at once."""
        kinds = self._list_kinds(result)
        for template in self._list_templates() if "sr" in kinds else ():
            yield ("sr",), template
        others = tuple(kind for kind in kinds if kind != "sr")
        if others:
            yield others, "tid1500"

    def _list_kinds(self, result: Result) -> tuple[DocumentKind, ...]:
        """List all kinds wanted by a destination or the site; for a series without a score only the report."""
        settings = self._settings
        peers = [settings.peers[name].documents for name in settings.results.destinations]
        kinds = dict.fromkeys(kind for wanted in (settings.results.documents, *peers) for kind in wanted or ())
        return tuple(kind for kind in kinds if kind == "sr" or result.status == "scored")

    def _list_templates(self) -> tuple[SrTemplate, ...]:
        """List the forms of report that destinations want, the default first: a later version refers to it."""
        peers = [self._settings.peers[name] for name in self._settings.results.destinations]
        wanted = {peer.sr for peer in peers if "sr" in self._choose_kinds(peer.documents)}
        return tuple(template for template in SR_SOP_CLASSES if template in wanted) or ("tid1500",)

    def _list_labels(self, destination: str) -> Iterator[str]:
        """List the labels of the documents that a destination gets."""
        peer = self._settings.peers[destination]
        for kind in self._choose_kinds(peer.documents):
            yield label_document(kind, peer.sr if kind == "sr" else None)

    def _choose_kinds(self, own: Sequence[DocumentKind] | None) -> Sequence[DocumentKind]:
        return self._settings.results.documents if own is None else own

    def _make(
        self, series_instance_uid: str, result: Result, kinds: tuple[DocumentKind, ...], template: SrTemplate
    ) -> list[DocumentFile]:
        request = ReportRequest.of(
            self._settings.results,
            version=result.version,
            created=result.created_at,
            predecessor=self._find_predecessor(series_instance_uid, result.version, template),
        )
        files = tuple(slices.require_files(self._database, self._files, series_instance_uid))
        return list(self._maker.make_documents(DocumentRequest(result.score_json, files, kinds, request, (template,))))

    def _find_predecessor(self, series_instance_uid: str, version: int, template: SrTemplate) -> Predecessor | None:
        """Find the latest report of an earlier version, in the same form if it was made in that form."""
        before = results.find_predecessor(self._database, series_instance_uid, version)
        if before is None:
            return None
        study_instance_uid = states.get(self._database, series_instance_uid).study_instance_uid
        named = Predecessor(
            before.sop_class_uid, before.sop_instance_uid, before.series_instance_uid, study_instance_uid
        )
        for earlier in range(version - 1, 0, -1):
            uid = sr_instance_uid(series_instance_uid, earlier, template)
            if find_instance(self._database, uid) is not None:
                return replace(named, sop_class_uid=SR_SOP_CLASSES[template], sop_instance_uid=uid)
        return named

    def _keep(self, document: DocumentFile, series_instance_uid: str, version: int) -> Document:
        """Store a document like a received object, so that queries find it."""
        header = InstanceHeader.from_dataset(
            dcmread(BytesIO(document.content), stop_before_pixels=True), document.transfer_syntax_uid
        )
        try:
            with self._files.incoming(document.transfer_syntax_uid) as incoming:
                incoming.write(document.content)
                stored = incoming.commit(header.file_name(incoming.sha256))
            registered = register(self._database, self._files, header, stored, now=self._clock(), origin="made")
        except Rejected as error:  # there is no sender to refuse
            raise Transient(f"a document was not stored: {error}") from error
        made.note(self._database, document.sop_instance_uid, series_instance_uid, version)
        label = label_document(document.kind, document.template)
        return Document(series_instance_uid, version, document.sop_instance_uid, label, registered.path)
