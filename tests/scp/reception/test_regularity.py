import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.reception.regularity import Gap, Regular, judge

from .conftest import at


def test_uniform_slices_are_regular_in_any_order():
    assert judge([at(z) for z in (9, 0, 6, 3)]) == Regular()


@given(
    st.integers(4, 60),
    st.floats(0.5, 5),
    st.tuples(*[st.floats(-1, 1)] * 6),
    st.floats(-500, 500),
    st.data(),
)
def test_missing_slices_are_counted_in_any_orientation(count, step, directions, start, data):
    along_row, along_column = np.array(directions[:3]), np.array(directions[3:])
    normal = np.cross(along_row, along_column)
    if np.linalg.norm(normal) < 0.1:
        along_row, along_column = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
        normal = np.cross(along_row, along_column)
    along_row /= np.linalg.norm(along_row)
    normal /= np.linalg.norm(normal)
    along_column = np.cross(normal, along_row)
    lost = data.draw(st.sets(st.integers(1, count - 2), max_size=max(0, (count - 3) // 4)))
    slices = [
        at(
            index,
            position=tuple((start + index * step) * normal + 5 * along_row),
            row_direction=tuple(along_row),
            column_direction=tuple(along_column),
        )
        for index in range(count)
        if index not in lost
    ]
    assert judge(slices) == (Gap(len(lost)) if lost else Regular())


def test_a_slice_sent_under_two_uids_is_no_gap():
    assert judge([at(0), at(3), at(3, sop_instance_uid="9"), at(6)]) == Regular()


def test_rounded_positions_are_regular():
    assert judge([at(round(index * 0.625, 2)) for index in range(40)]) == Regular()


def test_localizers_among_the_slices_do_not_count():
    scout = at(0, row_direction=(0.0, 1.0, 0.0), column_direction=(0.0, 0.0, -1.0))
    assert judge([scout, *[at(z) for z in (0, 3, 6, 9)]]) == Regular()


def test_scout_whose_type_says_axial_does_not_count():
    scout = at(300, row_direction=(1.0, 0.0, 0.0), column_direction=(0.0, 0.0, -1.0), rows=888)
    assert judge([scout, *[at(z) for z in range(0, 60, 3)]]) == Regular()
    named = at(300, image_type=("ORIGINAL", "PRIMARY", "SCOUT"))
    assert judge([named, *[at(z) for z in range(0, 60, 3)]]) == Regular()


def test_monitoring_slices_make_no_gap_and_fill_none():
    series = [at(z) for z in range(0, 60, 3)]
    above = [at(90, sop_instance_uid=f"9.{n}", acquisition_number=9) for n in range(40)]
    assert judge([*series, *above]) == Regular()
    within = [at(27, sop_instance_uid=f"9.{n}", convolution_kernel="B30f", slice_thickness=10.0) for n in range(40)]
    assert judge([*(item for item in series if item.position[2] != 27), *within]) == Gap(1)


def test_slice_of_another_reconstruction_fills_no_gap():
    series = [at(z, convolution_kernel="B35f") for z in range(0, 60, 3) if z != 27]
    assert judge([*series, at(27, convolution_kernel="B70f")]) == Gap(1)
    assert judge([*series, at(27, convolution_kernel="b35f ")]) == Regular()


def test_screen_save_without_a_place_makes_no_gap():
    save = at(0, position=None, row_direction=None, image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"))
    assert judge([save, *[at(z) for z in range(0, 60, 3)]]) == Regular()


@pytest.mark.parametrize("slices", [[], [at(0)], [at(0), at(30)], [at(0, position=None)] * 4])
def test_too_few_to_tell(slices):
    assert judge(slices) == Regular()
