"""Each destination gets the kinds and the form of report that it wants, or what it takes in their place."""

from __future__ import annotations

from datetime import UTC, datetime

from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    CTImageStorage,
    EnhancedSRStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from config.settings import PeerSettings
from storage.database import audit
from storage.outbox import deliveries, outgoing
from storage.outbox.deliveries import DeliveryState
from storage.series import lifecycle, results, states
from storage.series.states import State

SETTLED = (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.REPLACED)


def peer(name: str, port: int, **wishes: object) -> PeerSettings:
    return PeerSettings(ae_title=name, host="127.0.0.1", port=port, **wishes)


def classes(pacs) -> list[str]:
    return sorted({str(document.SOPClassUID) for document in pacs.received})


def predecessor(document) -> str:
    (study,) = document.PredecessorDocumentsSequence
    return study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID


def test_every_destination_gets_what_it_wants_or_what_it_takes(
    patient, new_pacs, configured, run_node, scanner_of, eventually
):
    wishes = {
        "USUAL": ([ComprehensiveSRStorage, SegmentationStorage], {}),
        "THREED": ([Comprehensive3DSRStorage, ComprehensiveSRStorage], {"sr": "tid1500-3d"}),
        "CARDIO": ([EnhancedSRStorage, ComprehensiveSRStorage], {"sr": "tid3900"}),
        "PIXELS": ([SegmentationStorage, SecondaryCaptureImageStorage], {"documents": ("seg", "overlay")}),
        "OLDER": ([ComprehensiveSRStorage, SecondaryCaptureImageStorage], {"sr": "tid1500-3d"}),
        "ENHANCED": ([EnhancedSRStorage], {"sr": "tid1500"}),
        "VIEWER": ([SecondaryCaptureImageStorage], {"sr": "tid1500-3d"}),
        "NOTHING": ([CTImageStorage], {}),
    }
    places = {}
    for name, (taken, _) in wishes.items():
        places[name] = new_pacs()
        places[name].classes = taken
        places[name].start()
    settings = configured({name: place.port for name, place in places.items()})
    peers = {name: peer(name, places[name].port, **wish) for name, (_, wish) in wishes.items()}
    settings = settings.model_copy(update={"peers": peers})
    images = patient()
    uid = images[0].SeriesInstanceUID

    def settled(version: int) -> bool:
        found = [item for item in deliveries.list_deliveries(node.database) if item.version == version]
        return len({item.destination for item in found}) == len(wishes) and all(d.state in SETTLED for d in found)

    with run_node(settings) as node:
        scanner_of(node).send(images)
        eventually("all deliveries", lambda: settled(1))
        assert classes(places["USUAL"]) == [ComprehensiveSRStorage]
        assert classes(places["THREED"]) == [Comprehensive3DSRStorage]
        assert classes(places["CARDIO"]) == [EnhancedSRStorage]
        assert classes(places["PIXELS"]) == sorted([SegmentationStorage, SecondaryCaptureImageStorage])
        assert classes(places["OLDER"]) == [ComprehensiveSRStorage]
        assert classes(places["ENHANCED"]) == [EnhancedSRStorage]
        assert classes(places["VIEWER"]) == [SecondaryCaptureImageStorage]
        assert classes(places["NOTHING"]) == []
        # the same report under the same UID everywhere, another form under its own
        (usual,), (older,) = places["USUAL"].received, places["OLDER"].received
        (cardio,), (enhanced,) = places["CARDIO"].received, places["ENHANCED"].received
        assert usual.SOPInstanceUID == older.SOPInstanceUID != cardio.SOPInstanceUID == enhanced.SOPInstanceUID

        told = {(item.destination, item.kind): item for item in deliveries.list_deliveries(node.database)}
        replaced = {key: item.last_error for key, item in told.items() if item.state == DeliveryState.REPLACED}
        assert replaced == {
            ("OLDER", "sr tid1500-3d"): "OLDER accepts no Comprehensive 3D SR Storage; sent instead: sr",
            ("ENHANCED", "sr"): "ENHANCED accepts no Comprehensive SR Storage; sent instead: sr tid3900",
            ("VIEWER", "sr tid1500-3d"): "VIEWER accepts no Comprehensive 3D SR Storage; sent instead: overlay",
        }
        assert told["OLDER", "sr"].state == told["ENHANCED", "sr tid3900"].state == DeliveryState.DELIVERED
        assert told["VIEWER", "overlay"].state == DeliveryState.DELIVERED
        assert told["NOTHING", "sr"].state == DeliveryState.DEAD
        assert "accepts none" in told["NOTHING", "sr"].last_error
        assert states.get(node.database, uid).state == State.UNDELIVERABLE
        report = results.get(node.database, uid).report
        assert report.sop_instance_uid == usual.SOPInstanceUID
        events = [
            event
            for event in audit.list_events(node.database, series_instance_uid=uid)
            if event.kind == "delivery-replaced"
        ]
        assert len(events) == 3

        for item in deliveries.list_deliveries(node.database, DeliveryState.DEAD):
            outgoing.discard(node.database, item.id, datetime.now(UTC))
        assert states.get(node.database, uid).state == State.DELIVERED

        lifecycle.rescore(node.database, uid, datetime.now(UTC))
        eventually("the second version", lambda: settled(2))
        assert predecessor(places["USUAL"].received[1]) == usual.SOPInstanceUID
        assert predecessor(places["CARDIO"].received[1]) == cardio.SOPInstanceUID
        assert predecessor(places["THREED"].received[1]) == places["THREED"].received[0].SOPInstanceUID


def test_a_refusal_is_reported_where_the_site_wants_it(
    patient, pacs, configured, run_node, scanner_of, state_of, eventually
):
    wanted, localizer = patient(), patient()
    for image in wanted:
        image.ContrastBolusAgent = "IODINE"
    for image in localizer:
        image.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    uids = [images[0].SeriesInstanceUID for images in (wanted, localizer)]
    settings = configured(
        {"PACS": pacs.port}, results={"not_scorable_report": True, "documents": ("sr", "overlay", "seg")}
    )
    with run_node(settings) as node:
        scanner_of(node).send([*wanted, *localizer])
        for uid in uids:
            eventually("the refusal", lambda uid=uid: state_of(node, uid) == State.NOT_SCORABLE)
        eventually("the report", lambda: pacs.received)
        (document,) = pacs.received
        assert document.StudyInstanceUID == wanted[0].StudyInstanceUID
        words = [str(item.get("TextValue", "")) for item in document.ContentSequence]
        assert any("cannot be scored\nReason: Contrast-enhanced" in text for text in words)
        eventually("its note", lambda: deliveries.list_deliveries(node.database, DeliveryState.DELIVERED))
        (delivery,) = deliveries.list_deliveries(node.database)
        assert (delivery.kind, delivery.series_instance_uid, delivery.state) == ("sr", uids[0], DeliveryState.DELIVERED)
        assert [state_of(node, uid) for uid in uids] == [State.NOT_SCORABLE] * 2
        assert states.get(node.database, uids[0]).reason_code == "contrast"
        assert states.get(node.database, uids[1]).reason_code == "localizer"


def test_a_refusal_is_silent_otherwise(patient, pacs, configured, run_node, scanner_of, state_of, eventually):
    images = patient()
    for image in images:
        image.ContrastBolusAgent = "IODINE"
    with run_node(configured({"PACS": pacs.port})) as node:
        scanner_of(node).send(images)
        uid = images[0].SeriesInstanceUID
        eventually("the refusal", lambda: state_of(node, uid) == State.NOT_SCORABLE)
        assert deliveries.list_deliveries(node.database) == []
    assert pacs.received == []
