"""Conventions, mass factor, categories, selection and flags: tables and rules."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from pydicom.dataset import Dataset

from config.errors import NotScorable
from config.settings import ScoringSettings, SelectionSettings
from scoring.candidates import conventions
from scoring.images import acquisition, geometry, selection, slices
from scoring.images.acquisition import Acquisition
from scoring.images.selection import LeftOut
from scoring.judgement import flags as quality
from scoring.judgement import mass
from scoring.judgement.category import categorise, format_cac_drs
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scoring.result import ArteryValues, Range, Statement

FACTS = Acquisition(
    kvp=120.0,
    exposure_mas=None,
    kernel="B35f",
    manufacturer="",
    model="",
    contrast="",
    contrast_route="",
    gated=True,
    mass_factor_patient=None,
    mass_factor_device=(),
)


def facts(**values) -> Acquisition:
    return dataclasses.replace(FACTS, **values)


def item(**values) -> Dataset:
    """An item of a sequence."""
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("name", "area", "pixels", "strict", "connectivity", "volume"),
    [
        ("standard", 1.0, 1, False, 8, "voxels"),
        ("literature", 1.0, 0, True, 4, "isotropic"),
        ("siemens", 0.0, 0, True, 4, "isotropic"),
        ("philips", 0.5, 0, True, 4, "voxels"),
        ("canon", 0.0, 3, True, 4, "voxels"),
        ("ge", 1.0, 0, True, 4, "voxels"),
        ("kvp-adapted", 1.0, 1, False, 8, "voxels"),
    ],
)
def test_presets(name, area, pixels, strict, connectivity, volume) -> None:
    found = conventions.named(name)
    assert (found.name, found.threshold_hu, found.thresholds) == (name, 130, (130, 200, 300, 400))
    assert (found.minimum_area_mm2, found.minimum_pixels, found.strict_area) == (area, pixels, strict)
    assert (found.connectivity, found.volume) == (connectivity, volume)


@pytest.mark.parametrize(
    ("kvp", "thresholds"),
    [
        (70, (207, 318, 477, 636)),
        (80.0, (177, 271, 408, 544)),
        (100, (145, 222, 334, 446)),
        (120, (130, 200, 300, 400)),
        (135, (119, 183, 274, 364)),
        (140, (130, 200, 300, 400)),
        (None, (130, 200, 300, 400)),
    ],
)
def test_thresholds_by_tube_voltage(kvp, thresholds) -> None:
    assert conventions.named("kvp-adapted", kvp, "Sa36f").thresholds == (130, 200, 300, 400)
    assert conventions.named("kvp-adapted", kvp).thresholds == thresholds
    assert conventions.named("standard", kvp).thresholds == (130, 200, 300, 400)


@pytest.mark.parametrize(
    ("patient", "device", "size", "configured", "expected"),
    [
        (0.7, (0.1, 0.2, 0.3), "medium", 0.9, (0.7, ("mass_factor_patient", None))),
        (None, (0.1, 0.2, 0.3), "medium", 0.9, (0.2, ("mass_factor_device", "medium"))),
        (None, (0.1, 0.2, 0.3), "small", None, (0.1, ("mass_factor_device", "small"))),
        (0.0, (0.1, 0.2, 0.3), "large", None, (0.3, ("mass_factor_device", "large"))),
        (math.nan, (0.0, 0.0, 0.0), "medium", 0.9, (0.9, ("mass_factor_configured", None))),
        (-1.0, (0.5,), "medium", None, None),
        (None, (), "medium", None, None),
    ],
)
def test_mass_factor(patient, device, size, configured, expected) -> None:
    found = mass.find_factor(
        facts(mass_factor_patient=patient, mass_factor_device=device),
        ScoringSettings(patient_size=size, mass_factor=configured),
    )
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert found.value == expected[0]
        assert (found.origin.code, found.origin.values.get("size")) == expected[1]


def test_mass_of_the_calibration_insert() -> None:
    # 200 mg/cm3 at 250 HU: a factor of 0.8; 1 cm3 of it is 200 mg
    assert mass.compute_mass_mg(mass.MassFactor(0.8, Statement("test")), 250.0 * 1000.0) == 200.0


@pytest.mark.parametrize(
    ("total", "lesions", "expected"),
    [
        (0, 0, "0"),
        (0.3, 1, "1-100"),
        (1, 1, "1-100"),
        (100, 1, "1-100"),
        (100.49, 1, "1-100"),
        (100.5, 1, "101-400"),
        (400.4, 1, "101-400"),
        (400.5, 1, ">400"),
        (5000, 9, ">400"),
    ],
)
def test_category(total, lesions, expected) -> None:
    assert categorise(total, any_lesion=bool(lesions)) == expected


@pytest.mark.parametrize(
    ("total", "arteries", "words"),
    [
        (0, [], "A0"),
        (0.4, ["LAD"], "A1/N1"),
        (99.4, ["LAD", "LAD", "RCA"], "A1/N2"),
        (99.5, ["LAD"], "A2/N1"),
        (299.4, ["LM", "LAD", "LCX", "RCA"], "A2/N4"),
        (300, ["LM", "LAD", "LCX"], "A3/N3"),
        (120, [None], "A2"),
        (120, [None, "LAD"], "A2"),
    ],
)
def test_cac_drs(total, arteries, words) -> None:
    assert format_cac_drs(total, arteries) == words


@pytest.mark.parametrize(
    ("agent", "route", "refused"),
    [
        ("OMNIPAQUE 350", "", True),
        ("IV", "", True),
        ("APPLIED", "", True),
        ("Iodipamide", "Intravenous route", True),
        ("IV & ORAL", "", True),
        ("", "IV", False),
        ("NONE", "", False),
        ("no contrast", "", False),
        ("non-contrast", "", False),
        ("ORAL", "", False),
        ("GASTROGRAFIN", "ORAL", False),
    ],
)
def test_contrast_by_header(agent, route, refused) -> None:
    found = facts(contrast=agent, contrast_route=route)
    if refused:
        with pytest.raises(NotScorable) as raised:
            selection.check_header(found)
        assert raised.value.code == "contrast"
    else:
        selection.check_header(found)


def stack(series, number: int = 30, **attributes) -> geometry.Stack:
    paths = series(np.zeros((number, 4, 4), dtype=np.int16), **attributes)
    return geometry.stack_slices([item for path in paths for item in slices.read(path)])


@pytest.mark.parametrize(
    ("number", "step", "thickness", "code"),
    [
        (30, 3.0, 3.0, None),
        (20, 5.0, 5.0, None),
        (40, 1.5, 3.0, None),
        (30, 3.0, 6.0, "thickness"),
        (30, 6.0, 5.0, "spacing"),
        (15, 3.0, 3.0, "too_few_slices"),
        (220, 0.3, 0.3, "thickness"),
        (30, 3.0, None, None),
    ],
)
def test_thickness_spacing_and_length(series, number, step, thickness, code) -> None:
    found = stack(series, number, step=step, SliceThickness=thickness)
    if code is None:
        selection.check_geometry(found, SelectionSettings())
    else:
        with pytest.raises(NotScorable) as raised:
            selection.check_geometry(found, SelectionSettings())
        assert raised.value.code == code


@pytest.mark.parametrize(("spacing", "fits"), [([250, 1], True), ([251, 1], False), ([1, 300], False)])
def test_images_wider_than_any_body(series, spacing, fits) -> None:
    found = stack(series, PixelSpacing=spacing)
    if fits:
        selection.check_geometry(found, SelectionSettings())
    else:
        with pytest.raises(NotScorable) as raised:
            selection.check_geometry(found, SelectionSettings())
        assert (raised.value.code, raised.value.values["variant"]) == ("no_positions", "size")


def test_a_mask_needs_no_whole_heart(series) -> None:
    selection.check_geometry(stack(series, 4), SelectionSettings(), whole_heart=False)


def codes(flags) -> dict[str, str]:
    return {flag.code: flag.severity for flag in flags}


@pytest.mark.parametrize(
    ("kvp", "name", "expected"),
    [
        (120.0, "standard", {}),
        (80.0, "standard", {"kvp": "warning"}),
        (80.0, "kvp-adapted", {"kvp_adapted": "warning"}),
        (140.0, "kvp-adapted", {"kvp": "warning"}),
        (None, "standard", {"kvp_unknown": "warning"}),
    ],
)
def test_flags_of_the_tube_voltage(series, kvp, name, expected) -> None:
    factor = mass.MassFactor(0.8, Statement("test"))
    convention = conventions.named(name, kvp)
    assert codes(quality.flag_scan(stack(series), facts(kvp=kvp), convention, factor)) == expected


def said(series, code: str, **values) -> str:
    """Sentence of the flag with that code; each scan has the flags asked for and no other of its kind."""
    found = facts(**values)
    convention = conventions.named("standard", found.kvp, found.kernel)
    flags = quality.flag_scan(stack(series), found, convention, mass.MassFactor(0.8, Statement("test")))
    assert codes(flags).keys() == ({code} if code else set())
    return sentence(flags[0], load_english()) if flags else ""


def test_a_kernel_that_imitates_120_kvp(series) -> None:
    assert "Sa36f imitates 120 kVp" in said(series, "kvp_kernel", kvp=90.0, kernel="Sa36f")
    assert said(series, "", kvp=120.0, kernel="Sa36f") == ""


def test_adapted_thresholds_come_with_their_caveat(series) -> None:
    found = facts(kvp=80.0)
    flags = quality.flag_scan(stack(series), found, conventions.named("kvp-adapted", 80.0), None)
    assert flags[0].values == {"kvp": 80.0, "threshold_hu": 177.0}
    assert "7 % at 80 kVp and 17 % at 70 kVp" in sentence(flags[0], load_english())


@pytest.mark.parametrize(
    ("values", "energy"),
    [
        ({"energy_kev": 70.0}, "(70 keV)"),
        ({"image_type": ("DERIVED", "PRIMARY", "AXIAL", "VMI")}, "(VMI)"),
        ({"image_type": ("DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 SPI DUAL", "ME70KEV")}, "(70 keV)"),
        ({"image_type": ("DERIVED", "PRIMARY", "AXIAL", "MONO_E")}, "(MONO_E)"),
        ({"image_type": ("DERIVED", "PRIMARY", "MONOENERGETIC", "65 keV")}, "(65 keV)"),
        ({"descriptions": ("CaSc MonoE 70keV[HU]",)}, "(70 keV)"),
        ({"descriptions": ("Herz Monoenergetic Plus",)}, "(MONOENERG)"),
    ],
)
def test_virtual_monoenergetic_images(series, values, energy) -> None:
    message = said(series, "monoenergetic", **values)
    assert energy in message
    assert "120 kVp" in message


@pytest.mark.parametrize(
    ("values", "how"),
    [
        ({"algorithm": "ITERATIVE"}, "(algorithm ITERATIVE)"),
        ({"kernel": "I30f\\3", "manufacturer": "SIEMENS"}, "(kernel I30f, strength 3)"),
        ({"kernel": "I31f"}, "(kernel I31f)"),
        ({"kernel": "Qr36d\\2", "manufacturer": "Siemens Healthineers"}, "(kernel Qr36d, strength 2)"),
        ({"descriptions": ("", "CaSc 3.0 SS40 ASIR-V"), "kernel": "STANDARD"}, "(ASIR)"),
        ({"descriptions": ("Cardiac 3.0 AIDR3D",), "kernel": "FC12", "manufacturer": "TOSHIBA"}, "(AIDR)"),
        ({"descriptions": ("CaSc, iDose (4)",), "kernel": "XCA", "manufacturer": "Philips"}, "(IDOSE)"),
    ],
)
def test_iterative_reconstruction(series, values, how) -> None:
    message = said(series, "iterative", **values)
    assert how in message
    assert "ADMIRE 3 and 5 by 12 % and 20 %: Caruso 2016" in message


@pytest.mark.parametrize(
    ("kernel", "manufacturer"),
    [
        ("B50s", "SIEMENS"),
        ("B60f", ""),
        ("Br59d", "SIEMENS"),
        ("Bl57f", "Siemens Healthineers"),
        ("LUNG", "GE MEDICAL SYSTEMS"),
        ("BONEPLUS", "GE MEDICAL SYSTEMS"),
        ("HD LUNG", ""),
        ("YA", "Philips"),
        ("L", "Philips"),
        ("FC51", "TOSHIBA"),
        ("FC81", "CANON_MEC"),
    ],
)
def test_sharp_kernels(series, kernel, manufacturer) -> None:
    assert f"({kernel})" in said(series, "kernel", kernel=kernel, manufacturer=manufacturer)


@pytest.mark.parametrize(
    ("kernel", "manufacturer"),
    [
        ("", ""),
        ("B35f", "SIEMENS"),
        ("Br40d", "SIEMENS"),
        ("Qr36d\\0", "SIEMENS"),
        ("STANDARD", "GE MEDICAL SYSTEMS"),
        ("SOFT", "GE MEDICAL SYSTEMS"),
        ("B", "Philips"),
        ("L", "SOMEONE ELSE"),
        ("B60f", "SOMEONE ELSE"),
        ("FC12", "TOSHIBA"),
    ],
)
def test_nothing_is_said_of_common_kernels(series, kernel, manufacturer) -> None:
    assert said(series, "", kernel=kernel, manufacturer=manufacturer) == ""


@pytest.mark.parametrize(
    "values",
    [
        {"image_type": ("ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SEQ DUAL", "STD", "SNRG", "DET_AB")},
        {"image_type": ("DERIVED", "PRIMARY", "MPR"), "descriptions": ("Cardiac 3.000", "Monitoring")},
        {"image_type": ("DERIVED", "PRIMARY", "AXIAL", "DUALENERGY", "M_0.6"), "algorithm": "FILTER_BACK_PROJ"},
        {"energy_kev": 0.0, "descriptions": ("CaSc, FBP, PRIMROSE",)},
    ],
)
def test_nothing_is_said_of_ordinary_images(series, values) -> None:
    assert said(series, "", **values) == ""


def test_what_the_header_tells_of_the_reconstruction(series) -> None:
    (path, *_) = series(
        np.zeros((2, 4, 4), dtype=np.int16),
        ConvolutionKernel=["I30f", "3"],
        ReconstructionAlgorithm="ITERATIVE",
        SeriesDescription="CaSc",
        ImageType=["DERIVED", "PRIMARY", "AXIAL", "VMI"],
        MultienergyCTCharacteristicsSequence=[item(MonoenergeticEnergyEquivalent=70.0)],
    )
    found = acquisition.read_acquisition(slices.read(path)[0])
    assert (found.kernel, found.algorithm, found.descriptions) == ("I30f\\3", "ITERATIVE", ("CaSc",))
    assert (found.image_type[3], found.energy_kev, found.gated) == ("VMI", 70.0, False)


@pytest.mark.parametrize(
    ("values", "gated"),
    [
        ({}, False),
        ({"CardiacSynchronizationTechnique": "PROSPECTIVE"}, True),
        ({"CardiacSynchronizationTechnique": "RETROSPECTIVE"}, True),
        # "no gating is applied": PS3.3 C.7.6.18.1
        ({"CardiacSynchronizationTechnique": "REALTIME"}, False),
        ({"CardiacSynchronizationTechnique": "NONE"}, False),
        ({"CardiacRRIntervalSpecified": 950.0}, True),
        ({"HeartRate": 62}, True),
        ({"HeartRate": 0}, False),
        ({"ScanOptions": ["TP70PC0901", "SYNCUSREDIT_NO"]}, True),
        ({"ScanOptions": ["OSCRATEAVG066BPM"]}, True),
        ({"ScanOptions": "HELICAL MODE"}, False),
    ],
)
def test_gating_by_header(series, values, gated) -> None:
    (path, *_) = series(np.zeros((2, 4, 4), dtype=np.int16), **values)
    assert acquisition.read_acquisition(slices.read(path)[0]).gated is gated


def test_flags_of_the_geometry(series) -> None:
    standard = conventions.named("standard")
    thick = stack(series, positions=[*range(0, 60, 5), *range(70, 160, 5)], SliceThickness=5)
    left_out = (LeftOut("1.2.3", "localizer"), LeftOut("1.2.4", "other_object"))
    assert codes(quality.flag_scan(thick, FACTS, standard, None, left_out)) == {
        "no_mass_factor": "info",
        "thickness": "info",
        "gap": "warning",
        "other_images": "info",
    }
    ungated = facts(gated=False)
    assert "gating_unknown" in codes(quality.flag_scan(thick, ungated, standard, None))
    assert "overlap" in codes(quality.flag_scan(stack(series, 60, step=1.5), FACTS, standard, None))


def test_slabs_are_flagged_instead_of_the_thickness_of_their_slices(series) -> None:
    thin = stack(series, 60, step=1.0, SliceThickness=1.5)
    flags = quality.flag_scan(thin, FACTS, conventions.named("standard"), None, slab_slices=3)
    assert codes(flags) == {"no_mass_factor": "info", "slabs": "info"}
    (slabs,) = (flag for flag in flags if flag.code == "slabs")
    assert sentence(slabs, load_english()) == (
        "Slices every 1 mm: scored on means of 3 slices, every 3 mm, because the method is defined on slices of 3 mm; "
        "the outlines are those of the means"
    )


def test_images_that_were_left_out_are_listed_with_the_reason(series) -> None:
    left_out = (LeftOut("1.2.3", "orientation"), LeftOut("1.2.4", "localizer"), LeftOut("1.2.5", "orientation"))
    (flag,) = quality.flag_scan(
        stack(series), FACTS, conventions.named("standard"), mass.MassFactor(0.8, Statement("test")), left_out
    )
    assert (flag.code, flag.severity) == ("other_images", "warning")
    assert flag.values["uids"] == ("1.2.3", "1.2.4", "1.2.5")
    assert flag.values["reasons"] == ("orientation", "localizer", "orientation")
    assert sentence(flag, load_english()) == (
        "3 images do not belong to the series and were left out: localizer, orientation"
    )


@pytest.mark.parametrize(
    ("values", "kernel"),
    [
        ({"kernel": "Sd36f", "manufacturer": "SIEMENS"}, "(Sd36f)"),
        ({"kernel": "Sm40f", "manufacturer": "Siemens Healthineers"}, "(Sm40f)"),
        ({"kernel": "Sd40s"}, "(Sd40s)"),
        ({"descriptions": ("Thorax 3.0 DirectDensity",)}, "(DIRECTDENSITY)"),
    ],
)
def test_kernels_that_show_density(series, values, kernel) -> None:
    assert kernel in said(series, "density_kernel", **values)


def test_a_kernel_of_another_maker_shows_no_density(series) -> None:
    assert said(series, "", kernel="SD40", manufacturer="SOMEONE ELSE") == ""


@pytest.mark.parametrize(("unit", "expected"), [("US", {"unit_unspecified"}), ("HU", set()), (None, set())])
def test_an_unspecified_unit_is_flagged(series, unit, expected) -> None:
    flags = quality.flag_scan(
        stack(series, RescaleType=unit) if unit else stack(series),
        FACTS,
        conventions.named("standard"),
        mass.MassFactor(0.8, Statement("test")),
    )
    assert set(codes(flags)) == expected


@pytest.mark.parametrize(("value", "expected"), [("01", {"lossy"}), ("00", set()), ("", set())])
def test_lossy_compression_is_flagged(series, value, expected) -> None:
    stacked = stack(series, LossyImageCompression=value)
    facts = acquisition.read_acquisition(stacked.slices[0])
    flags = quality.flag_scan(stacked, facts, conventions.named("standard"), None)
    assert set(codes(flags)) & {"lossy"} == expected


def test_minimum_area_of_conventions_that_count_pixels() -> None:
    assert conventions.named("canon").minimum_mm2(0.25) == 0.75
    assert conventions.named("standard").minimum_mm2(4.0) == 1.0
    assert conventions.named("siemens").minimum_mm2(0.25) == 0.0


def test_flags_of_the_result() -> None:
    none = Range(0, 0, 0, 0)
    assert list(quality.flag_result(ArteryValues(), (), none)) == []
    unsure = Range(1000.1, 1010.0, 1, 2)
    found = codes(quality.flag_result(ArteryValues(total=1000.1, LAD=1000.1), (), unsure))
    assert found == {"review": "warning", "over_1000": "info"}


def test_a_cut_heart_is_to_be_reviewed() -> None:
    """The total is a lower end, even where no lesion is uncertain."""
    sure = Range(250.0, 250.0, 0, 0)
    flags = list(quality.flag_result(ArteryValues(total=250.0), (), sure, cut=True))
    assert [(flag.code, flag.severity, flag.values) for flag in flags] == [
        ("review", "warning", {"variant": "cut", "low": 250.0})
    ]
    unsure = Range(200.0, 250.0, 1, 0)
    flags = list(quality.flag_result(ArteryValues(total=250.0), (), unsure, cut=True))
    assert [flag.values["variant"] for flag in flags] == ["same"]


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0.0, {}),
        (0.4, {"small": "info"}),
        (9.99, {"small": "info"}),
        (10.0, {}),
        (1000.0, {}),
        (1000.1, {"over_1000": "info"}),
    ],
)
def test_a_small_total_is_inside_the_noise_of_a_repeat(total, expected) -> None:
    found = quality.flag_result(ArteryValues(total=total), (), Range(total, total, 0, 0))
    assert codes(found) == expected
