"""Rescale Slope and Intercept: read where they are certain, else the image and the element are named."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.errors import NotScorable
from scoring.engine import score
from scoring.images import slices
from scoring.images.decoding import pixels
from scoring.images.header.rescale import Rescale, read_rescale
from scoring.images.volume import StoredOrder

SLOPE, INTERCEPT = "Rescale Slope (0028,1053)", "Rescale Intercept (0028,1052)"


def stored(vr: str | None = "DS", **values: bytes) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        tag = Tag(keyword)
        dataset._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, vr is None, is_little_endian=True)
    return dataset


def refused(dataset: Dataset, *groups: Dataset) -> dict[str, object]:
    with pytest.raises(NotScorable) as raised:
        read_rescale(dataset, groups, "1.2.3")
    assert raised.value.code == "no_hounsfield_units"
    assert raised.value.values["image"] == "1.2.3"
    return dict(raised.value.values)


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"),
    [
        (b"1", b"-1024 ", (1, -1024)),
        (b"1", b"0 ", (1, 0)),  # signed values that are HU already
        (b"1,0 ", b"-1024,0 ", (1, -1024)),
        (b"1\0", b" -1024\0", (1, -1024)),
        (b"0.1 ", b"-1.024E3", (0.1, -1024)),
        (b"1", b"-33792", (1, -33792)),  # 16 unsigned bits around 32768
    ],
)
@pytest.mark.parametrize("vr", ["DS", None, "LO", "UT", "UN"])
def test_certain_values_are_read(slope, intercept, expected, vr) -> None:
    dataset = stored(vr, RescaleSlope=slope, RescaleIntercept=intercept)
    assert read_rescale(dataset, (), "1.2.3") == Rescale(*expected)


def test_binary_doubles_are_read() -> None:
    doubles = {"RescaleSlope": np.float64(1).tobytes(), "RescaleIntercept": np.float64(-1024).tobytes()}
    assert read_rescale(stored("FD", **doubles), (), "1.2.3") == Rescale(1, -1024)


@pytest.mark.parametrize(
    ("values", "variant", "element"),
    [
        ({"RescaleSlope": b"1"}, "missing", INTERCEPT),
        ({"RescaleIntercept": b"-1024 "}, "missing", SLOPE),
        ({}, "missing", SLOPE),
        ({"RescaleSlope": b"1", "RescaleIntercept": b""}, "missing", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"  \0\0"}, "missing", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1024 HU"}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"nan "}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-inf"}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"1e999 ", "RescaleIntercept": b"0 "}, "unreadable", SLOPE),
        # -1024 or -1.024
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1,024"}, "unreadable", INTERCEPT),
        # two values, or a comma that separates them
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1024\\0 "}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1024,0\\0"}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1024,0,0"}, "unreadable", INTERCEPT),
        ({"RescaleSlope": b"0 ", "RescaleIntercept": b"-1024 "}, "zero", None),
        ({"RescaleSlope": b"0,0 ", "RescaleIntercept": b"-1024 "}, "zero", None),
        ({"RescaleSlope": b"-1", "RescaleIntercept": b"-1024 "}, "implausible", None),
        ({"RescaleSlope": b"1024", "RescaleIntercept": b"1 "}, "implausible", None),
        ({"RescaleSlope": b"1e-9", "RescaleIntercept": b"0 "}, "implausible", None),
        ({"RescaleSlope": b"1", "RescaleIntercept": b"-1e30 "}, "implausible", None),
    ],
)
def test_what_is_not_certain_is_named(values, variant, element) -> None:
    found = refused(stored(**values))
    assert (found["variant"], found.get("element")) == (variant, element)


def test_control_characters_of_a_value_stay_out_of_the_sentence() -> None:
    found = refused(stored(RescaleSlope=b"1", RescaleIntercept=b"\x1b[31m" + 300 * b"x"))
    assert str(found["value"]).isprintable()
    assert len(str(found["value"])) <= 32


@given(st.floats(0.001, 50), st.floats(-99_999, 99_999))
def test_numbers_are_read_as_written(slope, intercept) -> None:
    dataset = stored(RescaleSlope=f"{slope!r}".encode(), RescaleIntercept=f"{intercept!r}".encode())
    assert read_rescale(dataset, (), "1.2.3") == Rescale(slope, intercept)


@given(st.binary(max_size=12), st.sampled_from(["DS", "LO", "UT", "UN", "FD", "US", "SQ", None]))
def test_whatever_is_stored_is_read_or_refused(value, vr) -> None:
    dataset = stored(vr, RescaleIntercept=value)
    dataset.RescaleSlope = 1
    with contextlib.suppress(NotScorable):
        assert abs(read_rescale(dataset, (), "1.2.3").intercept) <= 100_000


def test_a_lookup_table_takes_its_place() -> None:
    dataset = stored(RescaleSlope=b"1", RescaleIntercept=b"-1024 ")
    dataset.ModalityLUTSequence = [Dataset()]
    assert refused(dataset)["variant"] == "table"


def group(*macros: Dataset, name: str = "PixelValueTransformationSequence") -> Dataset:
    made = Dataset()
    setattr(made, name, list(macros))
    return made


PLAIN = {"RescaleSlope": b"1", "RescaleIntercept": b"-1024 "}
OTHER = {"RescaleSlope": b"1", "RescaleIntercept": b"-1200 "}


@pytest.mark.parametrize(
    "groups",
    [
        (group(stored(**PLAIN)), Dataset()),
        (Dataset(), group(stored(**PLAIN))),
        (group(), group(stored(**PLAIN))),
        (group(stored(**PLAIN)), group(stored(**PLAIN))),
        (group(stored(**PLAIN), stored(**PLAIN)), Dataset()),
        (Dataset(), group(stored(**PLAIN), name="UnassignedSharedConvertedAttributesSequence")),
        (group(stored(**PLAIN), name="UnassignedPerFrameConvertedAttributesSequence"), Dataset()),
    ],
)
def test_a_frame_finds_it_in_its_groups(groups) -> None:
    # what stands outside of the groups belongs to no frame
    assert read_rescale(stored(**OTHER), groups, "1.2.3") == Rescale(1, -1024)


@pytest.mark.parametrize(
    ("groups", "variant"),
    [
        ((Dataset(), Dataset()), "missing"),
        ((group(), group()), "missing"),
        ((group(stored(RescaleSlope=b"1")), group(stored(**PLAIN))), "missing"),
        ((group(stored(**OTHER)), group(stored(**PLAIN))), "contradiction"),
        ((group(stored(**OTHER), stored(**PLAIN)), Dataset()), "contradiction"),
    ],
)
def test_a_frame_whose_groups_do_not_say(groups, variant) -> None:
    assert refused(stored(**PLAIN), *groups)["variant"] == variant


def test_one_slice_without_intercept_is_named(ct, series) -> None:
    paths = series(np.zeros((24, 32, 32), np.int16))
    image = ct.image(np.zeros((32, 32), np.int16), ImagePositionPatient=[12.5, -30.25, 33.0])
    del image.RescaleIntercept
    ct.write(image, paths[11])
    made = score(paths)
    assert (made.status, made.reason_code) == ("not_scorable", "no_hounsfield_units")
    assert made.reason == (
        f"Image {image.SOPInstanceUID} has no Rescale Intercept (0028,1052): its values are not in Hounsfield units"
    )


def test_a_localizer_needs_none(ct, series) -> None:
    paths = series(np.zeros((24, 32, 32), np.int16))
    image = ct.image(np.zeros((32, 32), np.int16), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    del image.RescaleIntercept
    made = score([*paths, ct.write(image, paths[0].with_name("localizer.dcm"))])
    assert made.reason_code != "no_hounsfield_units"


def test_no_pixel_is_decoded_without_it(ct, tmp_path) -> None:
    image = ct.image(np.zeros((4, 4), np.int16))
    image.RescaleSlope = 0
    (found,) = slices.read(ct.write(image, tmp_path / "image.dcm"))
    with pytest.raises(NotScorable, match="no_hounsfield_units"):
        pixels.read([found], StoredOrder(4, 4), np.empty((1, 4, 4), np.int16))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([0.1, 0.5, 1.0, 2.0]), st.integers(-2048, 0))
def test_hu_do_not_depend_on_how_they_are_stored(ct, tmp_path, slope, intercept) -> None:
    hu = np.asarray([[-1000, -100, 0, 40, 130, 1000]], np.int16)
    image = ct.image(hu, RescaleSlope=slope, RescaleIntercept=intercept)
    (found,) = slices.read(ct.write(image, tmp_path / "image.dcm"))
    out = np.empty((1, 1, 6), np.int16)
    pixels.read([found], StoredOrder(1, 6), out)
    assert np.abs(out[0].astype(int) - hu).max() <= slope / 2
