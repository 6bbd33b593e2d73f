"""Which images form a series: groups of what is alike, and the few others with their reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable
from scoring.images.membership import find_far, find_largest, find_members
from scoring.images.traits import Traits

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)


def at(z: float, **changes) -> Traits:
    """A slice of an ordinary scan at a height."""
    plain = Traits(
        rows=512,
        columns=512,
        pixel_spacing=(0.4, 0.4),
        orientation=AXIAL,
        position=(-100.0, -120.0, z),
        thickness_mm=3.0,
        kvp=120.0,
        kernel="B35f",
        frame_of_reference_uid="1.2",
        acquisition_number=2,
    )
    return replace(plain, **changes)


def scan(number: int = 50, **changes) -> list[Traits]:
    return [at(3.0 * index, **changes) for index in range(number)]


def reasons(images: Sequence[Traits]) -> list[str]:
    """The reasons for which images behind the first 50 are left out; the 50 are the series."""
    found = find_members(images)
    assert found.members == tuple(range(50))
    assert [index for index, _ in found.others] == list(range(50, len(images)))
    return [why for _, why in found.others]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"orientation": CORONAL}, "orientation"),
        ({"rows": 888, "columns": 610}, "matrix_size"),
        ({"pixel_spacing": (0.7, 0.7)}, "pixel_spacing"),
        ({"kvp": 80.0}, "tube_voltage"),
        ({"kernel": "B70f"}, "kernel"),
        ({"thickness_mm": 10.0}, "slice_thickness"),
        ({"frame_of_reference_uid": "1.3"}, "frame_of_reference"),
        ({"position": None}, "no_geometry"),
        ({"pixel_spacing": None}, "no_geometry"),
        ({"pixel_spacing": (0.0, 0.0)}, "no_geometry"),
        ({"orientation": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)}, "no_geometry"),
        ({"role": "localizer"}, "localizer"),
        ({"role": "screen_save", "position": None}, "screen_save"),
        ({"role": "maximum_projection"}, "maximum_projection"),
    ],
)
def test_an_image_that_does_not_fit_is_left_out(changes, why) -> None:
    assert reasons([*scan(), at(150.0, **changes)]) == [why]


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": "b35F "},
        {"kernel": ""},
        {"kvp": 120.0001},
        {"kvp": None},
        {"thickness_mm": None},
        {"thickness_mm": 0.0},
        {"thickness_mm": 2.99},
        {"frame_of_reference_uid": ""},
        {"orientation": (1.0, -1e-6, 1e-6, 0.0, 0.999999, 1e-9)},
        {"acquisition_number": None},
        {"acquisition_number": 7},
    ],
)
def test_trivial_differences_divide_nothing(changes) -> None:
    images = [item if index % 3 else replace(item, **changes) for index, item in enumerate(scan())]
    assert reasons(images) == []


def test_many_monitoring_slices_at_one_position_are_left_out() -> None:
    assert reasons([*scan(), *[at(75.0, thickness_mm=10.0, kernel="B30f")] * 40]) == ["kernel"] * 40
    assert reasons([*scan(), *[at(75.0, acquisition_number=1)] * 40]) == ["repeated_position"] * 40
    # not told apart by anything but their place above the scan, or between two slices
    assert reasons([*scan(), *[at(160.0)] * 40]) == ["repeated_position"] * 40
    assert reasons([*scan(), *[at(76.0)] * 40]) == ["repeated_position"] * 40


def test_monitoring_slices_that_hide_a_slice_are_not_left_out() -> None:
    """Which of them is the slice cannot be told: all stay, and differing images at one position are refused later."""
    images = [*scan(), *[at(75.0)] * 40]
    assert find_members(images).members == tuple(range(90))


def test_a_few_slices_of_a_second_acquisition_are_left_out() -> None:
    again = [at(3.0 * index, acquisition_number=3) for index in range(20, 25)]
    assert reasons([*scan(), *again]) == ["repeated_position"] * 5


def test_two_acquisitions_of_the_same_slices_are_left_to_the_geometry() -> None:
    images = [*scan(30), *scan(30, acquisition_number=3)]
    assert find_members(images).members == tuple(range(60))


def test_a_scan_of_several_acquisitions_is_one_series() -> None:
    images = [at(3.0 * index, acquisition_number=2 + index // 12) for index in range(50)]
    assert reasons(images) == []


def test_reformations_in_other_planes_are_additions() -> None:
    coronal = [at(0.0, orientation=CORONAL, position=(0.0, 3.0 * index, 0.0)) for index in range(60)]
    assert reasons([*scan(), *coronal]) == ["orientation"] * 60
    few_axial = [at(0.0), at(3.0)]
    assert find_members([*coronal, *few_axial]).members == tuple(range(60))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"kernel": "B70f"}, "kernel"),
        ({"kvp": 80.0}, "tube_voltage"),
        ({"frame_of_reference_uid": "1.3"}, "frame_of_reference"),
        ({"thickness_mm": 5.0}, "slice_thickness"),
    ],
)
@pytest.mark.parametrize("number", [15, 24, 50])
def test_two_large_groups_are_refused(other, what, number) -> None:
    with pytest.raises(NotScorable) as raised:
        find_members([*scan(), *scan(number, **other)])
    assert raised.value.code == "mixed_series"
    assert raised.value.values == {"variant": "groups", "count": 2, "sizes": (50, number), "what": (what,)}


def test_a_second_group_as_long_as_a_heart_is_refused_however_long_the_first() -> None:
    with pytest.raises(NotScorable, match="mixed_series"):
        find_members([*[at(0.5 * index) for index in range(400)], *scan(25, kernel="B70f")])


def test_a_different_kind_for_every_image_is_no_series() -> None:
    with pytest.raises(NotScorable) as raised:
        find_members([at(3.0 * index, kernel=f"K{index}") for index in range(150)])
    assert raised.value.values["count"] == 150
    assert raised.value.values["sizes"] == (1,) * 6


def test_the_largest_group_is_found_where_none_is_clear() -> None:
    found = find_largest([*scan(20, kernel="B70f"), *scan(30)])
    assert found.members == tuple(range(20, 50))


def test_a_frame_of_reference_for_every_image_says_nothing() -> None:
    assert reasons([replace(item, frame_of_reference_uid=f"1.{index}") for index, item in enumerate(scan())]) == []


def test_nothing_is_left_out_where_nothing_has_a_place() -> None:
    assert find_members(scan(3, position=None)).members == (0, 1, 2)


def test_slices_far_from_all_others() -> None:
    assert find_far([*scan(), at(500.0), at(-90.0)], range(52)) == [51, 50]
    assert find_far([*scan(), at(190.0)], range(51)) == []
    # more than a few are a part of the scan, with a gap before them
    assert find_far([*scan(), *[at(500.0 + 3 * index) for index in range(4)]], range(54)) == []


@given(st.permutations(range(56)))
def test_the_order_of_the_images_does_not_matter(order) -> None:
    odd = [at(9.0, kernel="B70f"), at(12.0, orientation=CORONAL), at(15.0, kvp=80.0), at(18.0, role="localizer")]
    images = [*scan(), *odd, at(150.0, kernel=""), at(153.0, kvp=None)]
    found = find_members([images[index] for index in order])
    assert {order[index] for index in found.members} == {*range(50), 54, 55}
    assert {order[index]: why for index, why in found.others} == {
        50: "kernel",
        51: "orientation",
        52: "tube_voltage",
        53: "localizer",
    }
