"""Codes of the documents (PS3.16), one name each, and the private scheme for what has no public code."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from scoring.result import Artery, Category

PRIVATE_SCHEME: Final = "99CORONODE"

TITLE: Final = Code("126000", "DCM", "Imaging Measurement Report")
PROCEDURE: Final = Code("25045-6", "LN", "CT unspecified body region")
SUMMARY: Final = Code("121111", "DCM", "Summary")
DEVICE: Final = Code("121007", "DCM", "Device")
LANGUAGE: Final = Code("en", "RFC5646", "English")

AGATSTON: Final = Code("450360000", "SCT", "Coronary artery calcium score")
AGATSTON_METHOD: Final = Code("112055", "DCM", "Agatston scoring method")
VOLUME: Final = Code("122660", "DCM", "Calcium Volume")
MASS: Final = Code("122661", "DCM", "Calcium Mass")
THRESHOLD: Final = Code("122657", "DCM", "Agatston Score Threshold")
CALIBRATION: Final = Code("122659", "DCM", "Calcium Scoring Calibration")
NUMBER_OF_LESIONS: Final = Code("246206008", "SCT", "Number of lesions")
DISEASED_TERRITORIES: Final = Code("122762", "DCM", "Number of diseased vessel territories")
MEAN_ATTENUATION: Final = Code("112181", "DCM", "Mean Attenuation Coefficient")
MAXIMUM_ATTENUATION: Final = Code("112180", "DCM", "Maximum Attenuation Coefficient")
CERTAINTY: Final = Code("111012", "DCM", "Certainty of Finding")
TOTAL: Final = Code("255619001", "SCT", "Total")
CALCIFICATION: Final = Code("237897009", "SCT", "Vascular Calcification")

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
PERCENT: Final = Code("%", "UCUM", "Percent")

# CID 3118 has one code for the two lower categories; the private category beside it tells them apart.
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


def category_code(category: Category) -> Code:
    """One of the four Agatston categories as a coded value."""
    return Code(category, PRIVATE_SCHEME, f"Agatston {category}")


def cac_drs_code(cac_drs: str) -> Code:
    """A CAC-DRS category such as A2/N3 as a coded value; no public scheme has one."""
    return Code(cac_drs, PRIVATE_SCHEME, f"CAC-DRS {cac_drs}")


def private_scheme() -> Dataset:
    """Item of Coding Scheme Identification Sequence (0008,0110) that declares the private scheme (PS3.3 C.12.1)."""
    item = Dataset()
    item.CodingSchemeDesignator = PRIVATE_SCHEME
    item.CodingSchemeName = "Coronode calcium scoring concepts"
    item.CodingSchemeResponsibleOrganization = "Coronode"
    return item
