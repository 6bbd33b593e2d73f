"""What the services let a peer open, and what is proposed to send objects."""

from pathlib import Path

import pytest
from pydicom.uid import AllTransferSyntaxes, CTImageStorage, RLELossless, SecondaryCaptureImageStorage

from dicom.sop_classes import REPORT_STORAGE, UNCOMPRESSED, VERIFICATION
from scoring.report.sr import reading
from scp.network import negotiation
from scp.network.negotiation import PresentationContext
from scp.reception.provided import ProvidedService, select_contexts
from scp.scu.storage import Sending, propose_contexts
from scp.services import query, storage_contexts, verification

PROVIDED = (
    verification.provide(),
    ProvidedService("store", storage_contexts.CONTEXTS, {}),
    ProvidedService("query", query.CONTEXTS, {}),
)


def abstract(services):
    return {context.abstract_syntax for context in select_contexts(PROVIDED, services)}


def test_verification_is_open_to_every_peer():
    assert abstract(()) == {VERIFICATION}


def test_storage_takes_the_three_ct_classes_in_every_named_syntax():
    stored = {c.abstract_syntax: set(c.transfer_syntaxes) for c in select_contexts(PROVIDED, ("store",))}
    named = {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.4.202",
    }
    for sop_class in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"):
        assert named <= stored[sop_class]


def test_storage_takes_the_reports_that_can_be_read():
    assert set(reading.REPORT_CLASSES) == set(REPORT_STORAGE) <= abstract(("store",))


def test_a_companion_is_taken_when_it_is_proposed_by_a_peer_that_may_store():
    provided = (ProvidedService("store", storage_contexts.CONTEXTS, {}, storage_contexts.find_companion_context),)
    proposed = [SecondaryCaptureImageStorage, CTImageStorage, query.MODELS[0], SecondaryCaptureImageStorage]
    found = [c.abstract_syntax for c in select_contexts(provided, ("store",), proposed)]
    assert found == [*(c.abstract_syntax for c in storage_contexts.CONTEXTS), SecondaryCaptureImageStorage]
    assert select_contexts(provided, ("query",), proposed) == ()


def test_a_class_of_two_services_may_be_opened_in_the_roles_of_both():
    """Storing makes the peer SCU, fetching on the same association SCP (PS3.7 D.3.3.4)."""
    received = PresentationContext(CTImageStorage, UNCOMPRESSED, as_scu=False, as_scp=True)
    provided = (
        ProvidedService("store", (PresentationContext(CTImageStorage, UNCOMPRESSED),), {}),
        ProvidedService("retrieve", (), {}, lambda uid: received if uid == CTImageStorage else None),
    )
    roles = {
        services: [
            (context.as_scu, context.as_scp) for context in select_contexts(provided, services, [CTImageStorage])
        ]
        for services in (("store",), ("retrieve",), ("store", "retrieve"))
    }
    assert roles == {("store",): [(True, False)], ("retrieve",): [(False, True)], ("store", "retrieve"): [(True, True)]}


def test_companions_are_taken_in_every_encoding_that_brings_its_pixels():
    taken = set(storage_contexts.COMPANION_TRANSFER_SYNTAXES)
    assert len(taken) == len(storage_contexts.COMPANION_TRANSFER_SYNTAXES)
    elsewhere = {uid for uid in AllTransferSyntaxes if "JPIP" in uid.name or "SMPTE" in uid.name}
    assert set(AllTransferSyntaxes) - taken == elsewhere


def test_of_images_lossy_jpeg_and_big_endian_are_not_taken():
    every = {uid for context in select_contexts(PROVIDED, ("store", "query")) for uid in context.transfer_syntaxes}
    assert not every & {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}


def test_query_is_open_to_querying_peers_alone():
    assert abstract(("store",)).isdisjoint(query.MODELS)
    assert abstract(("query",)) == {VERIFICATION, *query.MODELS}


def test_more_contexts_than_fit_one_association_are_refused():
    kinds = [PresentationContext(f"1.2.3.{number}", UNCOMPRESSED) for number in range(129)]
    with pytest.raises(ValueError, match="128"):
        negotiation.propose("US", "THEM", kinds, 0)
    _, request = negotiation.propose("US", "THEM", kinds[:128], 0)
    assert [context.context_id for context in request.contexts] == list(range(1, 256, 2))


def test_uncompressed_objects_are_proposed_in_both_syntaxes_and_others_as_they_are():
    explicit, implicit = UNCOMPRESSED
    objects = [Sending(Path("x"), sop_class, "1", syntax) for sop_class in ("1.2", "1.1") for syntax in (implicit,)]
    objects.append(Sending(Path("x"), "1.2", "1", str(RLELossless)))
    assert propose_contexts([*objects, objects[0]]) == [
        PresentationContext("1.1", (implicit, explicit)),
        PresentationContext("1.2", (implicit, explicit)),
        PresentationContext("1.2", (str(RLELossless),)),
    ]
