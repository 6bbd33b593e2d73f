"""A folder of documents, as written by `coronode score` and `coronode report`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final, get_args

import click

from config.errors import CoronodeError
from config.results import DocumentKind
from scoring.report.common.document_file import DocumentFile

KINDS: Final[tuple[DocumentKind, ...]] = get_args(DocumentKind)
ALL: Final = "all"

_NAMES: Final[dict[DocumentKind, str]] = {
    "sr": "sr",
    "overlay": "overlay",
    "seg": "seg",
    "pdf": "report",
    "letter": "letter",
}
_ENDINGS: Final = r"(-\d+|-tid\d+(-3d)?)?\.(dcm|png|pdf)"


def parse_kinds(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[DocumentKind, ...] | None:
    """Parse a list like "sr,pdf", or "all", as the callback of an option. Raises BadParameter for another word."""
    if value is None:
        return None
    asked = [part.strip() for part in value.split(",")]
    if asked == [ALL]:
        return KINDS
    for part in asked:
        if part not in KINDS:
            message = f"{part!r}; allowed: {', '.join(KINDS)}, separated by commas, or {ALL}"
            raise click.BadParameter(message, ctx=ctx, param=param)
    return tuple(kind for kind in KINDS if kind in asked)


def write_documents(folder: Path, kinds: Sequence[DocumentKind], documents: Sequence[DocumentFile]) -> list[Path]:
    """Write documents into a folder, replacing those of the same kinds, and return their paths.

    A new folder is open to the user alone. Each document is a DICOM file (.dcm); pages of pictures are written as PNG
    too, report and letter as PDF. Raises CoronodeError when the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for kind in kinds:
            old = re.compile(_NAMES[kind] + _ENDINGS)
            for path in folder.iterdir():
                if old.fullmatch(path.name):
                    path.unlink()
        written = []
        for name, content in _name_files(documents):
            (folder / name).write_bytes(content)
            written.append(folder / name)
    except OSError as error:
        raise CoronodeError(f"{folder}: cannot be written: {error.strerror}") from error
    return written


def _name_files(documents: Sequence[DocumentFile]) -> Iterator[tuple[str, bytes]]:
    pages = sum(document.kind == "overlay" for document in documents)
    page = 0
    for document in documents:
        name = _NAMES[document.kind]
        if document.kind == "sr" and document.template not in {None, "tid1500"}:
            name = f"{name}-{document.template}"
        if document.kind == "overlay" and pages > 1:
            page += 1
            name = f"{name}-{page:02d}"
        yield f"{name}.dcm", document.content
        if document.kind in {"pdf", "letter"}:
            yield f"{name}.pdf", _extract_pdf(document)
        elif document.kind == "overlay":
            yield from _encode_frames(name, document)


def _extract_pdf(document: DocumentFile) -> bytes:
    from pydicom import dcmread

    dataset = dcmread(BytesIO(document.content))
    content: bytes = dataset.EncapsulatedDocument
    return content[: dataset.EncapsulatedDocumentLength]


def _encode_frames(name: str, document: DocumentFile) -> Iterator[tuple[str, bytes]]:
    """Encode each frame as PNG."""
    from PIL import Image
    from pydicom import dcmread

    dataset = dcmread(BytesIO(document.content))
    pixels, several = dataset.pixel_array, "NumberOfFrames" in dataset and dataset.NumberOfFrames > 1
    for number, frame in enumerate(pixels if several else [pixels], start=1):
        buffer = BytesIO()
        Image.fromarray(frame).save(buffer, "PNG")
        yield f"{name}-{number:02d}.png" if several else f"{name}.png", buffer.getvalue()
