"""What dcmjs reads, the library of web viewers, is what was written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.report.sr import structured_report
from scoring.result import ARTERIES, Score

pytestmark = pytest.mark.peer

HERE = Path(__file__).parent / "dcmjs"
NAMES = ["0", "3", "250", "1800", "full"]


@pytest.fixture(scope="session")
def dcmjs(peer_program: Callable[[str], str], written: Callable[[Dataset], bytes], tmp_path_factory):
    """`dcmjs(document)` gives what dcmjs reads of it."""
    node = peer_program("node")
    if not (HERE / "node_modules/dcmjs").is_dir():
        pytest.skip(f"dcmjs is not installed (npm ci --prefix {HERE})")
    folder = tmp_path_factory.mktemp("dcmjs")

    def read(document: Dataset) -> dict[str, Any]:
        path = folder / f"{document.SOPInstanceUID}.dcm"
        path.write_bytes(written(document))
        run = subprocess.run([node, HERE / "read.mjs", path], capture_output=True, check=False)
        assert run.returncode == 0, run.stderr.decode()
        return json.loads(run.stdout)

    return read


@pytest.mark.parametrize("form", ["tid1500", "tid1500-3d"])
@pytest.mark.parametrize("name", NAMES)
def test_dcmjs_reads_every_number_of_the_report(
    name: str,
    form: str,
    scores: dict[str, Score],
    full: Score,
    sources: list[Dataset],
    first: ReportRequest,
    dcmjs: Callable[[Dataset], dict[str, Any]],
) -> None:
    score = full if name == "full" else scores[name]
    read = dcmjs(structured_report.build(score, sources, request=first, template=form))
    assert read["template"] == "1500"
    assert read["patient"] == [{"Alphabetic": "Grün^Zoë"}]
    groups = read["groups"]
    for place, title in (("total", "All coronary arteries"), *((artery, artery) for artery in ARTERIES)):
        numbers = groups[title]["numbers"]
        assert numbers["450360000"] == getattr(score.agatston, place)
        assert numbers["122660"] == getattr(score.volume_mm3, place)
        assert numbers.get("122661") == (None if score.mass_mg is None else getattr(score.mass_mg, place))
    for lesion in score.lesions:
        group = groups[f"Lesion {lesion.id}, {lesion.artery}"]
        assert group["numbers"]["450360000"] == lesion.agatston
        assert group["images"] == [image.sop_instance_uid for image in lesion.images]
    if score.change is not None:
        assert groups[f"Change since {score.change.date}"]["numbers"]["AGATSTON_DIFF"] == score.change.agatston.absolute


@pytest.mark.parametrize("name", ["3", "250", "1800"])
def test_dcmjs_reads_every_voxel_of_the_segmentation(
    name: str,
    scores: dict[str, Score],
    sources: list[Dataset],
    first: ReportRequest,
    dcmjs: Callable[[Dataset], dict[str, Any]],
) -> None:
    score = scores[name]
    document = seg.build(score, sources, first)
    assert document is not None
    found = {
        (frame["label"], frame["image"], place) for frame in dcmjs(document)["frames"] for place in frame["voxels"]
    }
    wanted = {
        (lesion.artery, image.sop_instance_uid, row * score.series.columns + column + step)
        for lesion in score.lesions
        for image in lesion.images
        for index, row, column, length in lesion.runs
        for step in range(length)
        if index == image.slice
    }
    assert found == wanted
