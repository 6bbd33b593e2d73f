"""A result that holds everything a result can hold: its reports show every content item that a report may have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from config.results import SrTemplate
from scoring.report.common.request import ReportRequest
from scoring.report.sr import structured_report
from scoring.result import (
    ARTERIES,
    ArteryValues,
    Change,
    Difference,
    Earlier,
    Flag,
    ImageRef,
    Lesion,
    Patient,
    Percentile,
    Provenance,
    Review,
    Risk,
    Score,
    SeriesInfo,
    Statement,
)

_ROOT: Final = "1.2.3"
_VALUES: Final = ArteryValues(total=4.0, LM=1.0, LAD=1.0, LCX=1.0, RCA=1.0)
_DIFFERENCE: Final = Difference(2.0, 4.0, 2.0, 2.0, 1.0, exceeds_limit=True)


def build_sample(template: SrTemplate) -> Dataset:
    """Build the report of the sample in one form."""
    request = ReportRequest(version=1, created=datetime(2000, 1, 1, tzinfo=UTC))
    return structured_report.build(_make_score(), [_make_header()], request=request, template=template)


def _make_header() -> Dataset:
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, f"{_ROOT}.1.1"
    header.StudyInstanceUID, header.SeriesInstanceUID, header.Modality = _ROOT, f"{_ROOT}.1", "CT"
    header.StudyDate = "20000101"
    return header


def _make_score() -> Score:
    return Score(
        status="scored",
        reason=None,
        series=SeriesInfo(
            study_instance_uid=_ROOT,
            series_instance_uid=f"{_ROOT}.1",
            slices=1,
            rows=512,
            columns=512,
            spacing_mm=(3.0, 0.4, 0.4),
            slice_thickness_mm=3.0,
            kvp=120.0,
            exposure_mas=80.0,
            kernel="kernel",
            manufacturer="manufacturer",
            model="model",
            gated=True,
            field_of_view_mm=200.0,
        ),
        agatston=_VALUES,
        agatston_range=(3.0, 5.0),
        volume_mm3=_VALUES,
        mass_mg=_VALUES,
        mass_integrated_mg=_VALUES,
        lesions=tuple(_make_lesion(number) for number in range(len(ARTERIES))),
        category="1-100",
        cac_drs="A1/N4",
        percentile=_make_percentile(),
        change=_make_change(),
        flags=(Flag("lossy", "warning", "flag"),),
        provenance=_make_provenance(),
        patient=Patient(60.0, "male", "white", "configuration"),
        risk=Risk(60.0, 10.0, 9.0),
        review=Review("reader", "account", "2000-01-01T00:00:00+00:00", 1, 4.0),
    )


def _make_lesion(number: int) -> Lesion:
    return Lesion(
        id=number + 1,
        artery=ARTERIES[number],
        confidence=0.5,
        agatston=1.0,
        volume_mm3=1.0,
        mass_mg=1.0,
        mass_integrated_mg=1.0,
        max_hu=400.0,
        mean_hu=200.0,
        centroid_mm=(0.0, 0.0, 0.0),
        slices=(0,),
        images=(ImageRef(0, f"{_ROOT}.1.1"),),
    )


def _make_percentile() -> Percentile:
    return Percentile(
        population="population",
        citation="source",
        group="white",
        sex="male",
        age_years=60.0,
        estimate=50,
        band="50th-75th",
        p_nonzero_percent=50.0,
        p25=0.0,
        p50=4.0,
        p75=10.0,
        p90=20.0,
    )


def _make_change() -> Change:
    earlier = Earlier("1999-01-01", 2.0, 2.0, 2.0, "index", f"{_ROOT}.2", f"{_ROOT}.2.1.1")
    return Change(
        date=earlier.date,
        interval_days=365,
        agatston=_DIFFERENCE,
        volume_mm3=_DIFFERENCE,
        mass_mg=_DIFFERENCE,
        root_volume=0.5,
        progression=False,
        differences=(),
        notes=(),
        citations=(),
        bmi=27.0,
        bmi_origin="assumed",
        history=(earlier,),
    )


def _make_provenance() -> Provenance:
    return Provenance(
        software="Coronode",
        version="1",
        engine="default",
        convention="standard",
        threshold_hu=130.0,
        minimum_area_mm2=1.0,
        connectivity=8,
        volume_definition="voxels",
        mass_factor=0.8,
        mass_factor_origin=Statement(text="header"),
        slab_slices=2,
        slab_mm=3.0,
        mass_integrated_method="integrated",
    )
