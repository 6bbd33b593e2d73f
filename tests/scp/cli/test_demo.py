import re

import pytest
from PIL import Image
from pydicom import dcmread


@pytest.mark.component
def test_demo_ends_with_the_score_the_report_and_the_pictures(coronode, tmp_path):
    ended = coronode("demo", "--out", "demo")
    assert ended.code == 0, ended.err
    rows = dict(re.findall(r"(LM|LAD|LCX|RCA|total)\s*│\s*([\d.]+)\s*│\s*[\d.]+", ended.out))
    total = re.search(r"total\s*│\s*([\d.]+)\s*│\s*([\d.]+)", ended.out)
    assert set(rows) == {"LM", "LAD", "LCX", "RCA", "total"}
    assert float(total[2]) == pytest.approx(float(total[1]), rel=0.15)
    report = dcmread(tmp_path / "demo" / "pacs" / "sr-1.dcm")
    assert report.Modality == "SR"
    pictures = sorted((tmp_path / "demo" / "pacs").glob("*.png"))
    assert len(pictures) > 2
    with Image.open(pictures[0]) as picture:
        assert picture.width > 500
