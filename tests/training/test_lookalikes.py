"""Scans of hard patients on disk, and what their candidates truly are."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.phantom.phantom import Piece
from training import lookalikes
from training.lookalikes import COPIES, OTHER, Taught
from training.scans import Scanned

STANDARD = conventions.named("standard")


def scanned(*pieces, spots=((10, 20, 20),), motion_mm=0.0):
    """Spots of 4 x 4 x 2 voxels of 2 x 1 x 1 mm at (z, y, x), and pieces (kind, point in mm, radius)."""
    hu = np.full((40, 60, 60), -100, np.int16)
    for z, y, x in spots:
        hu[z : z + 2, y : y + 4, x : x + 4] = 600
    volume = Volume(hu, (2.0, 1.0, 1.0), (5.0, 0.0, -3.0), np.eye(3)[::-1], ())
    made = tuple(Piece(kind, np.array([volume.to_patient(np.array(at))]), radius) for kind, at, radius in pieces)
    return Scanned(volume, made, motion_mm)


def names(scan, *, ascending_mm=40.0, descending_mm=60.0):
    """What the candidates of a scan are, all so far from either aorta."""
    found = agatston.candidates(scan.volume, STANDARD)
    away = SimpleNamespace(
        ascending_mm=np.full(len(found), ascending_mm), descending_mm=np.full(len(found), descending_mm)
    )
    return lookalikes.name_all(scan, found, away).tolist()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("RCA", "coronary"), ("mitral annulus", "mitral_annulus"), ("stent", ""), ("node of a new kind", "")],
)
def test_a_candidate_is_the_piece_that_it_lies_in(kind, name):
    scan = scanned((kind, (10.5, 21.5, 21.5), 2.0))
    assert names(scan) == [name]


def test_what_lies_in_no_piece_is_something_else():
    scan = scanned(("RCA", (10.5, 21.5, 41.5), 2.0), spots=((10, 20, 20), (10, 20, 40)))
    assert sorted(names(scan)) == ["coronary", OTHER]


def test_of_two_the_larger_share_decides():
    scan = scanned(("RCA", (10.5, 21.5, 21.5), 2.0), ("aortic root", (10.5, 21.5, 26.0), 2.0))
    assert names(scan) == ["coronary"]


def test_a_plaque_of_the_descending_aorta_teaches_nothing():
    scan = scanned(("aortic plaques", (10.5, 21.5, 21.5), 2.0))
    assert names(scan, ascending_mm=2.0) == ["aortic_root"]
    assert names(scan, ascending_mm=60.0, descending_mm=2.0) == [""]


def test_rarity_is_that_of_the_population_against_coronary_calcium():
    """Calcium in 75 % of usual patients and 92 % of hard ones; of the annulus in 9 and 40 %."""
    rarity = lookalikes.find_rarity()
    assert rarity["mitral_annulus"] == pytest.approx(0.09 / 0.4 * 0.92 / 0.75)
    assert all(0 < value < 1.3 for value in rarity.values())


def test_a_scan_is_read_as_it_was_written(tmp_path):
    made = scanned(("LAD", (10.0, 20.0, 20.0), 1.5), ("lymph node", (5.0, 30.0, 30.0), 2.5), motion_mm=1.2)
    made.volume.hu[0, 0] = np.tile([-1024, 3071], 30)
    made.write(tmp_path / "scan-000007.npz")
    read = Scanned.load(tmp_path, 7)
    assert (read.volume.hu == made.volume.hu).all()
    assert read.volume.spacing_mm == made.volume.spacing_mm
    assert read.volume.origin_mm == made.volume.origin_mm
    assert (read.volume.axes == made.volume.axes).all()
    assert read.motion_mm == 1.2
    for one, other in zip(read.pieces, made.pieces, strict=True):
        assert (one.kind, one.radius_mm) == (other.kind, other.radius_mm)
        assert one.line_mm == pytest.approx(other.line_mm)


def test_candidates_are_collected_once(tmp_path, monkeypatch):
    made = Taught(np.array(["coronary"]), np.array([7.0]), np.ones((COPIES, 2, 1)), np.array(["root", "size"]))
    asked = []
    monkeypatch.setattr(Taught, "collect", lambda scan, seed: asked.append((scan.motion_mm, seed)) or made)
    scanned(motion_mm=0.5).write(tmp_path / "scan-000003.npz")
    for _ in range(2):
        lookalikes.collect_if_missing(tmp_path, 3)
    assert asked == [(0.5, 3)]
    read = Taught.read(lookalikes.path_of(tmp_path, 3))
    assert (read.kind.tolist(), read.score.tolist(), read.names.tolist()) == (["coronary"], [7.0], ["root", "size"])
    assert (read.evidence == made.evidence).all()
