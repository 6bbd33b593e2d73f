"""The codes of the documents that the trees of the reports do not show in full."""

from __future__ import annotations

from typing import get_args

from dicom.coding import Code
from scoring.report.sr import codes
from scp.conformance.table import code, format_table


def format_risk() -> str:
    """Format the codes of the risk by the category of the total."""
    rows = [(f"{category}", format_code(risk)) for category, risk in codes.RISK.items()]
    return format_table(("Total Agatston score", "Risk"), rows)


def format_languages() -> str:
    """Format the languages of the sentences by the value of `results.language`."""
    rows = [(code(language), format_code(item)) for language, item in codes.LANGUAGES.items()]
    return format_table(("Configured", "Language of Content Item and Descendants"), rows)


def format_segmentation() -> str:
    """Format the codes of the segmentation by their sequence (PS3.3 C.8.20, C.7.6.16.2.6)."""
    sequences = (
        ("Segmented Property Category", codes.ABNORMAL_STRUCTURE),
        ("Segmented Property Type", codes.CALCIFICATION),
        ("Algorithm Family", codes.ALGORITHM_FAMILY),
        ("Derivation", codes.SEGMENTATION),
        ("Purpose of Reference", codes.SOURCE_FOR_PROCESSING),
    )
    return format_table(("Code sequence", "Code"), [(name, format_code(item)) for name, item in sequences])


def format_private_codes() -> str:
    """Format the private scheme: every code that is a name, in order of the code value."""
    named = [value for value in vars(codes).values() if isinstance(value, Code)]
    named += codes.EXCEEDS.values()
    named += [
        codes.change_code(name, part) for name in get_args(codes.ChangedName) for part in get_args(codes.ChangePart)
    ]
    own = sorted({(item.value, item.meaning) for item in named if item.scheme_designator == codes.PRIVATE_SCHEME})
    return format_table(("Code value", "Meaning"), [(code(value), meaning) for value, meaning in own])


def format_code(item: Code) -> str:
    """Format a code as the trees of the reports show it."""
    return f"{item.meaning} ({item.value}, {item.scheme_designator})"
