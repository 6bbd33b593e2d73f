"""One patient scanned with other slices has one score, within what sampling allows."""

import pytest

from scoring import engine
from scoring.phantom import Calcification, PhantomSpec, make_phantom, write_series

LESIONS = (
    Calcification("LAD", 0.25, 6.0, 600.0, 14.0),
    Calcification("RCA", 0.35, 6.0, 600.0, 14.0),
)
SCANS = {"3 mm every 3 mm": (3.0, 3.0), "1.5 mm every 1.5 mm": (1.5, 1.5), "3 mm every 1.5 mm": (3.0, 1.5)}


@pytest.fixture(scope="module")
def totals(tmp_path_factory):
    """Agatston of one patient for each scan: without the spacing rule the last would be twice the first."""
    found = {}
    for name, (thickness, increment) in SCANS.items():
        spec = PhantomSpec(
            seed=5,
            matrix=192,
            slice_thickness_mm=thickness,
            slice_increment_mm=increment,
            noise_sd_hu=8,
            calcifications=LESIONS,
        )
        folder = tmp_path_factory.mktemp("scan")
        score = engine.score(write_series(make_phantom(spec), folder))
        assert score.status == "scored", score.reason
        assert score.series.spacing_mm[0] == pytest.approx(increment)
        found[name] = score.agatston.total
    return found


@pytest.mark.component
@pytest.mark.parametrize("scan", list(SCANS)[1:])
def test_other_slices_give_the_same_score(totals, scan):
    assert totals[scan] == pytest.approx(totals["3 mm every 3 mm"], rel=0.12)
