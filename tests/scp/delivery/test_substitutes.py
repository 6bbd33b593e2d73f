"""The order in which a destination is offered other forms of a report."""

from pathlib import Path

import pytest
from pydicom.uid import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    EnhancedSRStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from config.results import ResultsSettings
from config.settings import PeerSettings
from scp.delivery.substitutes import choose_accepted, find_substitutes
from scp.scu.storage import Sending

CLASSES = {"tid1500": ComprehensiveSRStorage, "tid1500-3d": Comprehensive3DSRStorage, "tid3900": EnhancedSRStorage}
PICTURES = SecondaryCaptureImageStorage


def peer(form: str) -> PeerSettings:
    return PeerSettings(ae_title="PACS", host="pacs", port=104, sr=form)


def report(form: str) -> Sending:
    return Sending(Path("sr.dcm"), CLASSES[form], "1.2.3", "1.2.840.10008.1.2.1", 300)


@pytest.mark.parametrize(
    ("configured", "label", "substitutes"),
    [
        ("tid1500", "sr", [("sr tid3900", "tid3900"), ("sr tid1500-3d", "tid1500-3d")]),
        ("tid1500", "sr tid3900", [("sr tid1500-3d", "tid1500-3d")]),
        ("tid1500", "sr tid1500-3d", []),
        ("tid1500-3d", "sr tid1500-3d", [("sr", "tid1500"), ("sr tid3900", "tid3900")]),
        ("tid1500-3d", "sr", [("sr tid3900", "tid3900")]),
        ("tid3900", "sr tid3900", [("sr", "tid1500"), ("sr tid1500-3d", "tid1500-3d")]),
        ("tid3900", "sr", [("sr tid1500-3d", "tid1500-3d")]),
    ],
)
def test_forms_in_the_order_of_preference_and_pictures_last(configured, label, substitutes):
    form = label.removeprefix("sr").strip() or "tid1500"
    proposals = find_substitutes(label, report(form), peer(configured), ResultsSettings())
    assert [(name, item.sop_class_uid) for name, item in proposals.items()] == [
        *[(name, CLASSES[form]) for name, form in substitutes],
        ("overlay", PICTURES),
    ]
    assert {(item.path, item.sop_instance_uid, item.transfer_syntax_uid) for item in proposals.values()} == {
        (Path("sr.dcm"), "1.2.3", "1.2.840.10008.1.2.1")
    }


def test_pictures_as_one_object_where_the_site_makes_them_so():
    proposals = find_substitutes("sr", report("tid1500"), peer("tid1500"), ResultsSettings(overlay="multiframe"))
    assert proposals["overlay"].sop_class_uid == MultiFrameTrueColorSecondaryCaptureImageStorage


@pytest.mark.parametrize("label", ["overlay", "seg", "pdf"])
def test_only_reports_have_substitutes(label):
    assert find_substitutes(label, report("tid1500"), peer("tid1500"), ResultsSettings()) == {}


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ({ComprehensiveSRStorage}, None),
        ({ComprehensiveSRStorage, EnhancedSRStorage}, None),
        ({EnhancedSRStorage, Comprehensive3DSRStorage, PICTURES}, "sr tid3900"),
        ({Comprehensive3DSRStorage, PICTURES}, "sr tid1500-3d"),
        ({PICTURES}, "overlay"),
        (set(), None),
        ({"1.2.840.10008.5.1.4.1.1.2"}, None),
    ],
)
def test_the_best_that_the_destination_accepts(accepted, chosen):
    sending = report("tid1500")
    others = find_substitutes("sr", sending, peer("tid1500"), ResultsSettings())
    assert choose_accepted(sending, others, accepted) == chosen
