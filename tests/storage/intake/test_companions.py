"""What accompanies a CT study is stored and found, and changes nothing about the scan."""

from __future__ import annotations

import pytest

from storage.series import slices, states, waits
from storage.series.states import State

SC = "1.2.840.10008.5.1.4.1.1.7"
DOSE = "1.2.840.10008.5.1.4.1.1.88.67"
SERIES = "1.2.1.1"


def companion(node, number=900, **attributes):
    values = {"SOPClassUID": SC, "SOPInstanceUID": f"1.2.7.{number}", "Modality": "OT"}
    return node.ct(**values | attributes)


def listed(node):
    return [item.sop_instance_uid for item in slices.list_slices(node.db, SERIES)]


@pytest.mark.parametrize("attributes", [{}, {"Modality": "CT"}, {"Modality": ""}, {"SOPClassUID": DOSE}])
def test_alone_it_is_kept(node, attributes):
    node.store(companion(node, **attributes))
    state = states.get(node.db, SERIES)
    assert (state.state, state.instance_count) == (State.KEPT, 1)
    assert state.reason
    assert states.list_receiving(node.db) == []


@pytest.mark.parametrize("modality", ["OT", "CT"])
def test_in_the_series_of_the_images_it_is_no_slice(node, modality):
    node.series(2)
    node.store(companion(node, Modality=modality), 30)
    state = states.get(node.db, SERIES)
    assert (state.state, state.instance_count, state.last_received_at) == (State.RECEIVING, 3, node.at(0))
    assert listed(node) == ["1.2.1.1.1", "1.2.1.1.2"]
    assert len(slices.list_files(node.db, node.files, SERIES)) == 2
    assert node.complete(SERIES, 60, expected=2) == 1


def test_one_slice_more_than_were_checked_still_waits(node):
    node.series(2)
    node.store(companion(node))
    node.store(node.ct(SOPInstanceUID="1.2.1.1.3"))
    assert node.complete(SERIES, 60, expected=2) is None
    assert node.complete(SERIES, 60, expected=3) == 1


@pytest.mark.parametrize("modality", ["OT", "CT"])
def test_before_the_images_it_does_not_keep_them_from_being_scored(node, modality):
    node.store(companion(node, Modality=modality, SeriesDescription="Dose sheet"))
    node.store(node.ct(SeriesDescription="Ca score"), 5)
    node.store(node.ct(SOPInstanceUID="1.2.1.1.2"), 6)
    state = states.get(node.db, SERIES)
    assert (state.state, state.reason, state.reason_code) == (State.RECEIVING, "", "")
    assert (state.modality, state.description, state.instance_count) == ("CT", "Ca score", 3)
    assert listed(node) == ["1.2.1.1.1", "1.2.1.1.2"]
    assert node.complete(SERIES, 60, expected=2) == 1


@pytest.mark.parametrize("modality", ["OT", "CT", ""])
def test_late_it_makes_no_new_version(node, modality):
    node.series(2)
    assert node.complete(SERIES, 60, expected=2) == 1
    late = node.store(companion(node, Modality=modality), 90)
    assert (late.outcome, late.late) == ("stored", False)
    state = states.get(node.db, SERIES)
    assert (state.state, state.version, state.instance_count) == (State.COMPLETE, 1, 3)


def test_it_leaves_the_wait_for_a_missing_slice_as_it_is(node):
    node.series(2)
    waits.wait(node.db, SERIES, node.at(900), "1 slice missing inside the series")
    node.store(companion(node), 30)
    assert states.get(node.db, SERIES).wait_until == node.at(900)
    node.store(node.ct(SOPInstanceUID="1.2.1.1.3"), 31)
    assert states.get(node.db, SERIES).wait_until is None


def test_an_image_in_a_series_made_here_does_not_make_it_a_scan(node):
    node.store(node.ct(SOPInstanceUID="1.2.9"), origin="made")
    node.store(node.ct(SOPInstanceUID="1.2.10"))
    assert states.get(node.db, SERIES).state == State.KEPT


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"])
def test_a_blank_modality_does_not_hide_a_ct_image(node, sop_class):
    """The class alone says what it is, since Modality is type 1 in its IOD; `coronode score` takes it too."""
    node.store(node.ct(SOPClassUID=sop_class, Modality=""))
    assert states.get(node.db, SERIES).state == State.RECEIVING
    assert listed(node) == ["1.2.1.1.1"]
