"""What an image is by its header: projections and maps are told from slices, in the words of makers and users."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from scoring.images import slices
from scoring.images.header.meaning import Meaning
from scoring.images.header.purpose import find_purpose
from scoring.images.header.vocabulary import find_in_text


def kind_of(**values) -> str | None:
    found = find_purpose(Meaning(**values))
    return None if found is None else found.kind


@pytest.mark.parametrize(
    "image_type",
    [
        r"ORIGINAL\PRIMARY\AXIAL",
        r"ORIGINAL\PRIMARY\AXIAL\CT_SOM5 SPI DUAL",
        r"ORIGINAL\PRIMARY\AXIAL\CT_SOM5 SEQ DUAL\STD\SNRG\DET_AB",
        r"ORIGINAL\PRIMARY\AXIAL\CT_SOM7 SPI\STD\SNRG\DET_A",
        r"ORIGINAL\PRIMARY\AXIAL\HELIX",
        r"ORIGINAL\PRIMARY\VOLUME\NONE",
        r"DERIVED\PRIMARY\MPR",
        r"DERIVED\PRIMARY\AXIAL\CT_SOM5 MPR",
        r"DERIVED\SECONDARY\REFORMATTED",
        r"DERIVED\SECONDARY\PROCESSED",
        r"DERIVED\PRIMARY\VOLUME\RESAMPLED",
        r"DERIVED\PRIMARY\AXIAL\DUALENERGY\M_0.6",
        r"DERIVED\PRIMARY\AXIAL\VMI",
        r"DERIVED\SECONDARY\AXIAL\CT_SOM5 SPI DUAL\ME70KEV",
        "",
    ],
)
def test_types_of_slices(image_type) -> None:
    assert kind_of(image_type=tuple(image_type.split("\\"))) is None


@pytest.mark.parametrize(
    ("image_type", "kind"),
    [
        (r"DERIVED\SECONDARY\AXIAL\MIP", "maximum_projection"),
        (r"DERIVED\PRIMARY\AXIAL\CT_SOM5 MIP", "maximum_projection"),
        (r"DERIVED\SECONDARY\PROJECTION IMAGE", "maximum_projection"),
        (r"DERIVED\PRIMARY\VOLUME\MAXIMUM", "maximum_projection"),
        (r"DERIVED\SECONDARY\MPR\MIN IP", "minimum_projection"),
        (r"DERIVED\SECONDARY\AXIAL\MINIP", "minimum_projection"),
        (r"DERIVED\SECONDARY\REFORMATTED\AVERAGE", "average_projection"),
        (r"DERIVED\PRIMARY\AXIAL\CT_SOM5 AVERAGE", "average_projection"),
        (r"DERIVED\PRIMARY\VOLUME\MEAN", "average_projection"),
        (r"DERIVED\SECONDARY\MPR\THICK MPR", "thick_mpr"),
        (r"DERIVED\SECONDARY\CPR", "curved"),
        (r"DERIVED\SECONDARY\OTHER\VRT", "rendered"),
        (r"DERIVED\PRIMARY\VOLUME\SUBTRACTION", "subtraction"),
        (r"DERIVED\PRIMARY\AXIAL\MAT_REMOVED", "virtual_non_contrast"),
        (r"DERIVED\SECONDARY\MPR\VNC\DE_COMP", "virtual_non_contrast"),
        (r"DERIVED\PRIMARY\AXIAL\MAT_SPECIFIC", "material"),
        (r"DERIVED\PRIMARY\AXIAL\MAT_MODIFIED", "material"),
        (r"DERIVED\SECONDARY\AXIAL\CALCIUM_SUPPRESSION", "calcium_suppressed"),
        (r"ORIGINAL\PRIMARY\AXIAL\EFF_ATOMIC_NUM", "effective_z"),
        (r"DERIVED\PRIMARY\AXIAL\ELECTRON_DENSITY", "electron_density"),
        (r"DERIVED\SECONDARY\AXIAL\IODINE_NO_WATER", "iodine"),
        (r"DERIVED\SECONDARY\OTHER\CT_SOM5 PROT", "screen_save"),
        (r"DERIVED\SECONDARY\SCREEN SAVE", "screen_save"),
        (r"ORIGINAL\PRIMARY\LOCALIZER\CT_SOM5 TOP", "localizer"),
        (r"ORIGINAL\PRIMARY\SCOUT", "localizer"),
        (r"ORIGINAL\PRIMARY\AXIAL\MONITORING", "monitoring"),
    ],
)
def test_types_of_other_images(image_type, kind) -> None:
    assert kind_of(image_type=tuple(image_type.split("\\"))) == kind


@pytest.mark.parametrize(
    "text",
    [
        "Calcium Score",
        "CaScSeq  3.0  B35f  55%",
        "DS_CaSc 3.0 Qr36 2 BestDiast 70 %",
        "Ca-Sc CAD screening",
        "Kalziumscore nativ",
        "Recon 2: Helical 5's",
        "0,OPA,TO,AQUL4,FC51,276.6,2,120,40,na,na",
        "web CS, 78.0%",
        "MPR axial 3 mm",
        "MIPRO 3",
        "SUMMER trial",
        "Lea Sum 3 mm",
        "average mAs 120",
        "AVG HR 65",
        "Average adult 3.0",
        "CaSc AV 3 mm axial",
        "Park Ave CT",
        "SMART SCORE - GATED 0.5 SEC",
        "Flash CaSc MIN DOSE",
        "Topogram 0.6 T20f",
        "Maximum dose 120 kV",
        "Thin axial for MPR/MIP",
        "1.0 für MIP",
        "pour MIP et MPR",
        "MIP source 1 mm",
        "no MIP",
        "w/o subtraction",
        "sans soustraction",
        "No iodine",
        "iodine allergy, native",
        "True non contrast",
        "without contrast",
        "Calcium free breathing",
        "vue axiale",
        "Contrast media image",
        "segmented reconstruction",
        "Monoenergetic 70 keV",
        "Decompress Pegasus JPEG Lossless",
        "SYNTHETIC PHANTOM: no patient was scanned",
        "Ca supplement",
        "Curved table top",
        "Average HR 62",
    ],
)
def test_words_about_slices(text) -> None:
    assert find_in_text(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MIP 9 mm ax", "maximum_projection"),
        ("axMIP10", "maximum_projection"),
        ("Maximum Intensity Projection", "maximum_projection"),
        ("Maximum-Intensitäts-Projektion", "maximum_projection"),
        ("Projektion maximaler Intensität", "maximum_projection"),
        ("Projection d'intensité maximale", "maximum_projection"),
        ("Proyección de máxima intensidad", "maximum_projection"),
        ("Massima intensità", "maximum_projection"),
        ("Lung MinIP", "minimum_projection"),
        ("intensité minimale", "minimum_projection"),
        ("AveIP 5 mm", "average_projection"),
        ("Cardiac average 3 mm", "average_projection"),
        ("AX AVERAGE", "average_projection"),
        ("Mittelwert", "average_projection"),
        ("Moyenne 3 mm", "average_projection"),
        ("mIP axial", "minimum_projection"),
        ("M.I.P. 10/5", "maximum_projection"),
        ("Averaged phases 70-80 %", "average_projection"),
        ("Temporal average", "average_projection"),
        ("Curved LAD", "curved"),
        ("cMPR RCA", "curved"),
        ("VNI 70 keV", "virtual_non_contrast"),
        ("Virtual Non-Iodine", "virtual_non_contrast"),
        ("Iodine Removed [HU*]", "virtual_non_contrast"),
        ("Contrast-Enhanced Structures [HU*]", "material"),
        ("Fat fraction", "material"),
        ("DSA CT", "subtraction"),
        ("RaySum", "sum_projection"),
        ("MPR dick", "thick_mpr"),
        ("thick MPR 8 mm", "thick_mpr"),
        ("Curved MPR LAD", "curved"),
        ("VRT heart", "rendered"),
        ("3D cine", "rendered"),
        ("CTA subtracted", "subtraction"),
        ("Subtraktion", "subtraction"),
        ("Soustraction", "subtraction"),
        ("Sustracción", "subtraction"),
        ("VNC 3.0", "virtual_non_contrast"),
        ("Virtual non-contrast", "virtual_non_contrast"),
        ("virtuell nativ", "virtual_non_contrast"),
        ("CaSupp 50", "calcium_suppressed"),
        ("Kalk unterdrückt", "calcium_suppressed"),
        ("Iodine Density", "iodine"),
        ("Iodine no Water", "iodine"),
        ("Jodkarte", "iodine"),
        ("carte d'iode", "iodine"),
        ("mapa de yodo", "iodine"),
        ("Water(Iodine)", "material"),
        ("Electron Density", "electron_density"),
        ("Elektronendichte", "electron_density"),
        ("Z Effective", "effective_z"),
        ("Uric Acid", "uric_acid"),
        ("Knochenentfernung", "bone_removed"),
        ("Bone removed", "bone_removed"),
        ("Perfusion map", "perfusion"),
        ("CAD results", "cad"),
        ("Dose Report", "screen_save"),
    ],
)
def test_words_about_other_images(text, kind) -> None:
    found = find_in_text(text)
    assert found is not None
    assert found[0] == kind


@given(st.sampled_from(["", "3.0 ", "Axial_", "(", "thin-"]), st.sampled_from(["", " 5mm", "_cor", ")", "/2"]))
def test_a_word_is_found_with_any_neighbours(before, after) -> None:
    assert find_in_text(f"{before}MIP{after}") == ("maximum_projection", "MIP")


@given(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=6).filter(lambda word: word not in ("S", "MIP")))
def test_a_word_inside_another_is_none(rest) -> None:
    assert find_in_text(f"MIP{rest}") is None or find_in_text(rest) is not None


@pytest.mark.parametrize(
    "unit", ["", "HU", "hu", "US", "Hounsfield Units", "H.U.", "[HU]", "Hounsfield-Einheiten", "HE", "UH", "CT Number"]
)
def test_units_of_slices(unit) -> None:
    assert kind_of(rescale_type=unit.upper()) is None


# PS3.3 table C.11.1.1.2
@pytest.mark.parametrize("unit", ["OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT", "HU*", "SOMETHING"])
def test_other_units(unit) -> None:
    found = find_purpose(Meaning(rescale_type=unit))
    assert found is not None
    assert (found.kind, found.words) == ("unit", f"Rescale Type: {unit}")


@pytest.mark.parametrize(
    ("units", "rescale_type", "kind"),
    [
        (("mg/ml",), "", "unit"),
        (("10*23/ml",), "US", "unit"),
        (("mg/ml",), "HU", None),
        (("mg/cm3", "[hnsf'U]"), "", None),
        (("[hnsf'U]",), "", None),
    ],
)
def test_units_of_the_real_world(units, rescale_type, kind) -> None:
    assert kind_of(units=units, rescale_type=rescale_type) == kind


@pytest.mark.parametrize(
    ("technique", "kind"),
    [
        ("MAX_IP", "maximum_projection"),
        ("MIN_IP", "minimum_projection"),
        ("CURVED_MPR", "curved"),
        ("VOLUME_RENDER", "rendered"),
        ("MPR", None),
        ("NONE", None),
    ],
)
def test_technique_of_a_frame(technique, kind) -> None:
    assert kind_of(technique=technique) == kind


def test_free_text_is_not_repeated_beyond_its_sign() -> None:
    found = find_purpose(Meaning(texts=(("Image Comments", "Müller Jörg MIP 9 mm"),)))
    assert found is not None
    assert found.words == "Image Comments: MIP"


def test_a_value_is_quoted_without_what_cannot_be_printed() -> None:
    found = find_purpose(Meaning(rescale_type="\x1b[31mED\n" + "W" * 200))
    assert found is not None
    assert found.words == "Rescale Type: [31mED" + "W" * 58


def item(**values) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({}, None),
        ({"DerivationDescription": "Maximum Intensity Projection"}, "maximum_projection"),
        ({"DerivationCodeSequence": [item(CodeValue="113062", CodingSchemeDesignator="DCM")]}, "subtraction"),
        ({"DerivationCodeSequence": [item(CodeValue="113040", CodingSchemeDesignator="DCM")]}, None),
        ({"RescaleType": "EDW"}, "unit"),
        ({"ImageComments": "subtraction"}, "subtraction"),
        ({"SeriesDescription": "VNC"}, "virtual_non_contrast"),
        (
            {"RealWorldValueMappingSequence": [item(MeasurementUnitsCodeSequence=[item(CodeValue="mg/ml")])]},
            "unit",
        ),
    ],
)
def test_attributes_of_a_file(ct, tmp_path, attributes, kind) -> None:
    path = ct.write(ct.image(np.zeros((4, 4), dtype=np.int16), **attributes), tmp_path / "image.dcm")
    found = find_purpose(slices.read(path)[0].meaning)
    assert (None if found is None else found.kind) == kind
