"""Codes of the documents (PS3.16), one name each, and the private scheme for what has no public code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydicom.dataset import Dataset

from config.results import Language
from dicom.coding import Code
from scoring.result import Artery, Category

PRIVATE_SCHEME: Final = "99CORONODE"

ChangedName = Literal["AGATSTON", "VOLUME", "MASS"]
ChangePart = Literal["THEN", "DIFF", "RATE", "LIMIT"]

TITLE: Final = Code("126000", "DCM", "Imaging Measurement Report")
CARDIOVASCULAR_TITLE: Final = Code("122600", "DCM", "Cardiovascular Analysis Report")
PROCEDURE: Final = Code("25045-6", "LN", "CT unspecified body region")
CALCIUM_SCORING_PROCEDURE: Final = Code("426005005", "SCT", "Cardiac CT for calcium scoring")
PROCEDURE_REPORTED: Final = Code("121058", "DCM", "Procedure reported")
PROCEDURE_SUMMARY: Final = Code("55111-9", "LN", "Current Procedure Descriptions")
PROCEDURE_DESCRIPTION: Final = Code("121065", "DCM", "Procedure Description")
FINDINGS: Final = Code("121070", "DCM", "Findings")
FINDING_SITE: Final = Code("363698007", "SCT", "Finding Site")
ANALYSIS_PERFORMED: Final = Code("111004", "DCM", "Analysis Performed")
VASCULAR_MORPHOLOGY: Final = Code("122605", "DCM", "Vascular Morphological Analysis")
MEASUREMENT_METHOD: Final = Code("370129005", "SCT", "Measurement Method")
DERIVATION: Final = Code("121401", "DCM", "Derivation")
BEST_ILLUSTRATION: Final = Code("121080", "DCM", "Best illustration of finding")
SUMMARY: Final = Code("121111", "DCM", "Summary")
DEVICE: Final = Code("121007", "DCM", "Device")
PERSON: Final = Code("121006", "DCM", "Person")
LANGUAGES: Final[Mapping[Language, Code]] = {
    "en": Code("en", "RFC5646", "English"),
    "de": Code("de", "RFC5646", "German"),
}

AGATSTON: Final = Code("450360000", "SCT", "Coronary artery calcium score")
AGATSTON_METHOD: Final = Code("112055", "DCM", "Agatston scoring method")
VOLUME: Final = Code("122660", "DCM", "Calcium Volume")
MASS: Final = Code("122661", "DCM", "Calcium Mass")
MASS_INTEGRATED: Final = Code("MASS_INTEGRATED", PRIVATE_SCHEME, "Calcium Mass by integrated intensity, no threshold")
THRESHOLD: Final = Code("122657", "DCM", "Agatston Score Threshold")
CALIBRATION: Final = Code("122659", "DCM", "Calcium Scoring Calibration")
NUMBER_OF_LESIONS: Final = Code("246206008", "SCT", "Number of lesions")
DISEASED_TERRITORIES: Final = Code("122762", "DCM", "Number of diseased vessel territories")
MEAN_ATTENUATION: Final = Code("112181", "DCM", "Mean Attenuation Coefficient")
MAXIMUM_ATTENUATION: Final = Code("112180", "DCM", "Maximum Attenuation Coefficient")
CERTAINTY: Final = Code("111012", "DCM", "Certainty of Finding")
PERCENTILE: Final = Code("121415", "DCM", "Percentile Ranking of measurement")
TEN_YEAR_RISK: Final = Code("122230", "DCM", "10 Year CHD Risk")
TOTAL: Final = Code("255619001", "SCT", "Total")
CALCIFICATION: Final = Code("237897009", "SCT", "Vascular Calcification")
ABNORMAL_STRUCTURE: Final = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ALGORITHM_FAMILY: Final = Code("123110", "DCM", "Artificial Intelligence")
SEGMENTATION: Final = Code("113076", "DCM", "Segmentation")
SOURCE_FOR_PROCESSING: Final = Code("121322", "DCM", "Source image for image processing operation")
YES: Final = Code("373066001", "SCT", "Yes")
NO: Final = Code("373067005", "SCT", "No")

CORONARY_ARTERY: Final = Code("41801008", "SCT", "Coronary artery")
ARTERY: Final[dict[Artery, Code]] = {
    "LM": Code("3227004", "SCT", "Left Main Coronary Artery"),
    "LAD": Code("59438005", "SCT", "Left Anterior Descending Coronary Artery"),
    "LCX": Code("57396003", "SCT", "Circumflex Coronary Artery"),
    "RCA": Code("13647002", "SCT", "Right Coronary Artery"),
}

NO_UNITS: Final = Code("1", "UCUM", "no units")
CUBIC_MILLIMETRE: Final = Code("mm3", "UCUM", "cubic millimeter")
MILLIGRAM: Final = Code("mg", "UCUM", "mg")
HOUNSFIELD: Final = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
MASS_FACTOR: Final = Code("mg/cm3/[hnsf'U]", "UCUM", "mg/cm3 per Hounsfield unit")
LESIONS: Final = Code("{lesions}", "UCUM", "lesions")
TERRITORIES: Final = Code("{territories}", "UCUM", "territories")
KILOVOLT: Final = Code("kV", "UCUM", "kilovolt")
MILLIAMPERE_SECOND: Final = Code("mA.s", "UCUM", "milliampere second")
MILLIMETRE: Final = Code("mm", "UCUM", "millimeter")
SLICES: Final = Code("{slices}", "UCUM", "slices")
PERCENT: Final = Code("%", "UCUM", "Percent")
YEAR: Final = Code("a", "UCUM", "year")
DAY: Final = Code("d", "UCUM", "day")
ROOT_CUBIC_MILLIMETRE: Final = Code("{mm3^0.5}", "UCUM", "square root of cubic millimeter")

# CID 3118 has one code for the two lower categories; the private category beside it distinguishes them.
LOW_RISK: Final = Code("75976002", "SCT", "Low risk")
MODERATE_RISK: Final = Code("25594002", "SCT", "Moderate risk")
HIGH_RISK: Final = Code("15508007", "SCT", "High risk")
RISK: Final[dict[Category, Code]] = {
    "0": LOW_RISK,
    "1-100": LOW_RISK,
    "101-400": MODERATE_RISK,
    ">400": HIGH_RISK,
}

RISK_NAME: Final = Code("RISK", PRIVATE_SCHEME, "Risk by calcium score")
CATEGORY_NAME: Final = Code("CATEGORY", PRIVATE_SCHEME, "Agatston score category")
CAC_DRS_NAME: Final = Code("CACDRS", PRIVATE_SCHEME, "CAC-DRS category")
INTERVAL_LOW: Final = Code("AGATSTON_LOW", PRIVATE_SCHEME, "Total Agatston score, lower end of interval")
INTERVAL_HIGH: Final = Code("AGATSTON_HIGH", PRIVATE_SCHEME, "Total Agatston score, upper end of interval")
SOURCE_IMAGE_NAME: Final = Code("SOURCE_IMAGE", PRIVATE_SCHEME, "Source image (its identifier is not a valid UID)")
FLAG_NAME: Final = Code("FLAG", PRIVATE_SCHEME, "Quality flag")
ARTERIAL_AGE: Final = Code("ARTERIAL_AGE", PRIVATE_SCHEME, "Arterial age")
TEN_YEAR_RISK_WITHOUT: Final = Code("CHD_RISK_WITHOUT", PRIVATE_SCHEME, "10 Year CHD Risk without the calcium score")
PERCENTILE_NAME: Final = Code("PERCENTILE", PRIVATE_SCHEME, "Percentile, in words")
ARTERIAL_AGE_NAME: Final = Code("ARTERIAL_NOTE", PRIVATE_SCHEME, "Arterial age, in words")
TEN_YEAR_NAME: Final = Code("CHD_RISK_NOTE", PRIVATE_SCHEME, "10 Year CHD Risk, in words")
TECHNIQUE_NAME: Final = Code("TECHNIQUE", PRIVATE_SCHEME, "Technique")
REASON_NAME: Final = Code("REASON", PRIVATE_SCHEME, "Why there is no score")
QUALITY_NAME: Final = Code("SUITABILITY", PRIVATE_SCHEME, "Suitability of the images for calcium scoring")
SUITABLE: Final = Code("SUITABLE", PRIVATE_SCHEME, "Suitable")
WITH_REMARKS: Final = Code("WITH_REMARKS", PRIVATE_SCHEME, "Suitable with remarks")
NOT_SUITABLE: Final = Code("NOT_SUITABLE", PRIVATE_SCHEME, "Not suitable")
REVIEW_NAME: Final = Code("REVIEW", PRIVATE_SCHEME, "Review of the automatic result, in words")
CHANGE_NAME: Final = Code("CHANGE", PRIVATE_SCHEME, "Change since the earlier scan, in words")
COMPARISON: Final = Code("COMPARISON", PRIVATE_SCHEME, "Comparison with the earlier scan")
EARLIER_STUDY: Final = Code("EARLIER_STUDY", PRIVATE_SCHEME, "Study of the earlier scan")
EARLIER_REPORT: Final = Code("EARLIER_REPORT", PRIVATE_SCHEME, "Report of the earlier scan")
INTERVAL: Final = Code("INTERVAL", PRIVATE_SCHEME, "Time since the earlier scan")
ROOT_VOLUME: Final = Code("ROOT_VOLUME", PRIVATE_SCHEME, "Difference of the square roots of Calcium Volume")
PROGRESSION: Final = Code("PROGRESSION", PRIVATE_SCHEME, "Square root of volume grew by 2.5 or more")
EXCEEDS: Final[dict[ChangedName, Code]] = {
    "AGATSTON": Code("AGATSTON_EXCEEDS", PRIVATE_SCHEME, "Agatston score changed by more than a repeated scan does"),
    "VOLUME": Code("VOLUME_EXCEEDS", PRIVATE_SCHEME, "Calcium Volume changed by more than a repeated scan does"),
    "MASS": Code("MASS_EXCEEDS", PRIVATE_SCHEME, "Calcium Mass changed by more than a repeated scan does"),
}
CT_ACQUISITION_PARAMETERS: Final = Code("113822", "DCM", "CT Acquisition Parameters")
KVP: Final = Code("113733", "DCM", "KVP")
EXPOSURE: Final = Code("113736", "DCM", "Exposure")
SLICE_THICKNESS: Final = Code("112225", "DCM", "Slice Thickness")
SLICE_SPACING: Final = Code("112226", "DCM", "Spacing between slices")
HORIZONTAL_PIXEL_SPACING: Final = Code("111026", "DCM", "Horizontal Pixel Spacing")
VERTICAL_PIXEL_SPACING: Final = Code("111066", "DCM", "Vertical Pixel Spacing")
SCANNER_MANUFACTURER: Final = Code("113878", "DCM", "Device Manufacturer")
SCANNER_MODEL: Final = Code("113879", "DCM", "Device Model Name")
KERNEL: Final = Code("KERNEL", PRIVATE_SCHEME, "Convolution kernel")
FIELD_OF_VIEW: Final = Code("FIELD_OF_VIEW", PRIVATE_SCHEME, "Diameter of the reconstruction")
NUMBER_OF_SLICES: Final = Code("SLICES", PRIVATE_SCHEME, "Number of slices")
SLAB: Final = Code("SLAB", PRIVATE_SCHEME, "Thickness of the slabs that were scored, means of several slices")
GATING: Final = Code("GATING", PRIVATE_SCHEME, "Cardiac synchronization stated in the image header")
CONVENTION_NAME: Final = Code("CONVENTION", PRIVATE_SCHEME, "Calcium scoring convention")

_CHANGED: Final[dict[ChangedName, str]] = {
    "AGATSTON": "Total Agatston score",
    "VOLUME": "Calcium Volume",
    "MASS": "Calcium Mass",
}
_CHANGE_PARTS: Final[dict[ChangePart, str]] = {
    "THEN": "of the earlier scan",
    "DIFF": "difference from the earlier scan",
    "RATE": "difference a year",
    "LIMIT": "95 % limit of a repeated scan",
}


def change_code(name: ChangedName, part: ChangePart) -> Code:
    """Name of a number of the comparison with the earlier scan; no public scheme has one."""
    return Code(f"{name}_{part}", PRIVATE_SCHEME, f"{_CHANGED[name]}, {_CHANGE_PARTS[part]}")


def per_year(unit: Code) -> Code:
    """The unit, a year."""
    return Code(f"{unit.value}/a", "UCUM", f"{unit.meaning} per year")


def category_code(category: Category) -> Code:
    """One of the four Agatston categories as a coded value."""
    return Code(category, PRIVATE_SCHEME, f"Agatston {category}")


def cac_drs_code(cac_drs: str) -> Code:
    """A CAC-DRS category such as A2/N3 as a coded value; no public scheme has one."""
    return Code(cac_drs, PRIVATE_SCHEME, f"CAC-DRS {cac_drs}")


def convention_code(convention: str) -> Code:
    """A scoring convention as a coded value; no public scheme has one."""
    return Code(convention, PRIVATE_SCHEME, f"Calcium scoring convention: {convention}")


def private_scheme() -> Dataset:
    """Item of Coding Scheme Identification Sequence (0008,0110) that declares the private scheme (PS3.3 C.12.1)."""
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE_SCHEME
    item.CodingSchemeName = "Coronode calcium scoring concepts"
    item.CodingSchemeResponsibleOrganization = "Coronode"
    return item
