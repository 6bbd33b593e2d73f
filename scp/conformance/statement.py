"""The whole statement: the prose of `text` with its tables and values put in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from typing import Final

from config.settings import NodeSettings
from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, VERSION
from scoring.report.sr import codes
from scp.conformance import (
    contexts,
    failures,
    keys,
    options,
    parameters,
    report_content,
    security,
    statuses,
    terminology,
)
from scp.network.associate import DICOM_APPLICATION_CONTEXT

_PLACE: Final = re.compile(r"\{\{([\w -]+)\}\}")
_HEADING: Final = re.compile(r"^(##|###) (.+)$", re.MULTILINE)
_CONTENTS: Final = "toc"

_NODE: Final = NodeSettings()

_VALUES: Final[Mapping[str, object]] = {
    "version": VERSION,
    "ae_title": _NODE.ae_title,
    "port": _NODE.port,
    "max_pdu": _NODE.max_pdu,
    "max_associations": _NODE.max_associations,
    "max_associations_per_peer": _NODE.max_associations_per_peer,
    "application_context": DICOM_APPLICATION_CONTEXT,
    "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
    "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
    "private_scheme": codes.PRIVATE_SCHEME,
}

_TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "content": contexts.format_content,
    "services": contexts.format_services,
    "written": contexts.format_written,
    "accepted": contexts.format_accepted,
    "transfer_syntaxes": contexts.format_transfer_syntaxes,
    "earlier_reports": partial(contexts.format_proposed, contexts.EARLIER_REPORTS),
    "fetched": partial(contexts.format_proposed, contexts.FETCHED),
    "options": options.format_options,
    "failures": failures.format_failures,
    "keys": keys.format_keys,
    "parameters": parameters.format_parameters,
    "profiles": security.format_profiles,
    "suites": security.format_suites,
    "outcomes": statuses.format_outcomes,
    **{f"answers {section}": partial(statuses.format_answers, section) for section in statuses.ANSWERS},
    "content tid1500": partial(report_content.format_content, "tid1500"),
    "content tid3900": partial(report_content.format_content, "tid3900"),
    "risk": terminology.format_risk,
    "languages": terminology.format_languages,
    "segmentation": terminology.format_segmentation,
    "private_codes": terminology.format_private_codes,
}


def write_statement() -> str:
    """Write the statement in Markdown.

    Raises LookupError when the prose names a table or value that there is not, or leaves one out.
    """
    prose = _read_prose()
    named = {match[1] for match in _PLACE.finditer(prose)} - {_CONTENTS}
    known = {*_VALUES, *_TABLES}
    if named != known:
        raise LookupError(f"named in the prose and unknown, or known and not named: {sorted(named ^ known)}")
    filled = _PLACE.sub(_fill, prose)
    return filled.replace(f"{{{{{_CONTENTS}}}}}", _list_contents(filled)).rstrip("\n") + "\n"


def _read_prose() -> str:
    parts = sorted(resources.files("scp.conformance").joinpath("text").iterdir(), key=lambda part: part.name)
    return "".join(part.read_text(encoding="utf-8") for part in parts if part.name.endswith(".md"))


def _fill(place: re.Match[str]) -> str:
    name = place[1]
    if name == _CONTENTS:  # the headings are known only when all else is filled in
        return place[0]
    make = _TABLES.get(name)
    return str(_VALUES[name]) if make is None else make()


def _list_contents(text: str) -> str:
    """List the headings of the two upper levels, with links as the usual renderers name them."""
    lines = []
    for level, title in _HEADING.findall(text):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        lines.append(f"{'  ' * (len(level) - 2)}- [{title}](#{anchor})")
    return "\n".join(lines)
