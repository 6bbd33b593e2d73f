"""Painted bodies: reproducible for a seed, with fields and landmarks where the phantom has its arteries."""

from dataclasses import fields

import numpy as np
import pytest

from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.place import PLACES
from scoring.phantom.shapes import stream
from scoring.phantom.thorax import Thorax
from scoring.phantom.tissue import Tissue
from scoring.result import ARTERIES
from training.body import Body, paint_if_missing, path_of, seed_of
from training.classes import LANDMARKS, PAINT_MM
from training.zones import REACH_MM, UNIT_MM

SEED = 7


def index(body, points):
    """Return the nearest voxels (n, 3) (z, y, x) to positions (n, 3) (x, y, z) in the thorax frame."""
    return np.rint((np.asarray(points)[:, ::-1] - body.low[::-1]) / body.step).astype(int)


@pytest.fixture(scope="module")
def tree():
    variation = float(stream(SEED, "training heart").uniform(0.4, 1.0))
    return CoronaryTree.grow(Thorax.draw(SEED, variation))


def test_arrays(bodies, kind):
    body = bodies[kind]
    assert body.hu.dtype == np.int16
    assert body.tissue.dtype == np.uint8
    assert body.hu.shape == body.tissue.shape
    assert float(body.step) == PAINT_MM[kind]
    assert set(np.unique(body.tissue)) <= set(Tissue)
    assert body.hu.min() >= -1024
    assert body.hu.max() <= 3000
    assert body.deposits.shape[1] == 7
    assert body.landmarks.shape == (len(LANDMARKS), 3)
    assert body.near.dtype == np.uint8
    assert body.near.shape == (len(PLACES) - 1 if kind == "heart" else 0, *body.hu.shape)


def test_tissues_have_their_attenuation(bodies, kind):
    body = bodies[kind]

    def median(*tissues):
        return np.median(body.hu[np.isin(body.tissue, tissues)])

    assert median(Tissue.LUNG) < -700
    assert -130 < median(Tissue.FAT, Tissue.MEDIASTINAL_FAT) < -60
    assert 20 < median(Tissue.DESCENDING_AORTA) < 80
    assert median(Tissue.VERTEBRA_CORTEX) > 100


def test_landmarks_lie_in_their_structures(bodies, kind):
    body = bodies[kind]
    place = dict(zip(LANDMARKS, index(body, body.landmarks), strict=True))
    ascending = np.argwhere(body.tissue == Tissue.ASCENDING_AORTA)
    for name in ("left_main_ostium", "right_ostium", "aortic_valve"):
        assert np.linalg.norm(ascending - place[name], axis=1).min() * float(body.step) < 10, name
    # The apex lies below, in front and to the left of the valve.
    z, y, x = (place["apex"] - place["aortic_valve"]) * float(body.step)
    assert z < -20
    assert y < 0
    assert x > 20


def test_distances_to_the_arteries(bodies, tree):
    body = bodies["heart"]
    some = np.random.default_rng(0).integers(0, body.hu.shape, (4000, 3))
    places = (some * float(body.step) + body.low[::-1])[:, ::-1]
    near = 0
    for number, artery in enumerate(ARTERIES):
        line = tree.lines(artery)
        away = np.array([np.linalg.norm(line - place, axis=1).min() for place in places])
        found = body.near[number][tuple(some.T)] * UNIT_MM
        # Every third point of the line is used, 1.5 mm apart, so that up to 1 mm of its end is left out.
        assert (found >= np.minimum(away, REACH_MM) - 0.1).all()
        assert (found <= np.minimum(away + 1.1, REACH_MM + 0.1)).all()
        near += int((away < REACH_MM).sum())
    assert near > 60


def test_distances_to_root_and_annulus(bodies):
    body = bodies["heart"]
    marks = dict(zip(LANDMARKS, index(body, body.landmarks), strict=True))
    root, annulus = (body.near[PLACES.index(name) - 1] * UNIT_MM for name in ("root", "annulus"))
    # The ostia lie on the wall, the valve is part of the root; the annulus goes round the mitral valve's middle.
    for name, most in (("left_main_ostium", 4.5), ("right_ostium", 4.5), ("aortic_valve", 2.5)):
        assert root[tuple(marks[name])] < most, name
    assert annulus[tuple(marks["mitral_valve"])] == pytest.approx(15.9, abs=2.5)
    inside = np.isin(body.tissue[annulus < 3], [Tissue.LUNG, Tissue.AIR, Tissue.RIB_CORTEX])
    assert inside.mean() < 0.02
    # The aorta's wall is that of its tissue: near it lies both inside and outside.
    share = (body.tissue[root < 3] == Tissue.ASCENDING_AORTA).mean()
    assert 0.25 < share < 0.75


def test_arteries_run_in_the_fat_of_the_heart(bodies):
    body = bodies["heart"]
    near = body.tissue[(body.near[: len(ARTERIES)] * UNIT_MM < 1.0).any(axis=0)]
    assert len(near) > 40
    usual = [Tissue.CORONARY, Tissue.EPICARDIAL_FAT, Tissue.PERICARDIUM]
    assert np.isin(near, usual).mean() > 0.6
    outside = [Tissue.LUNG, Tissue.AIR, Tissue.RIB_CORTEX, Tissue.VERTEBRA_CORTEX, Tissue.LIVER]
    assert np.isin(near, outside).mean() < 0.05


def test_deposits_have_a_size_and_a_number(bodies, kind):
    deposits = bodies[kind].deposits
    assert np.isfinite(deposits).all()
    assert (deposits[:, 3] > 0).all()
    assert (deposits[:, 4] > 0).all()
    assert (deposits[:, 5] == np.rint(deposits[:, 5])).all()


def test_calcium_of_the_arteries_belongs_to_the_nearest_of_them(bodies, tree):
    deposits = bodies["heart"].deposits
    checked = 0
    for number in np.unique(deposits[:, 5]):
        points = deposits[deposits[:, 5] == number]
        place = PLACES[int(points[0, 6])]
        assert (points[:, 6] == points[0, 6]).all()
        if place in ARTERIES:
            away = np.linalg.norm(points[:, None, :3] - tree.lines(place)[None], axis=2).min(axis=1)
            assert away.max() < 8
            checked += 1
    assert checked > 0


def test_the_same_seed_is_the_same_body(bodies):
    again = Body.paint(SEED, "chest")
    for field in fields(Body):
        assert (getattr(again, field.name) == getattr(bodies["chest"], field.name)).all(), field.name


def test_a_body_survives_writing_and_reading(bodies, kind, tmp_path):
    path = tmp_path / "body.npz"
    bodies[kind].write(path)
    again = Body.read(path)
    for field in fields(Body):
        before, after = getattr(bodies[kind], field.name), getattr(again, field.name)
        assert (before == after).all(), field.name
        assert before.dtype == after.dtype
    assert [item.name for item in tmp_path.iterdir()] == ["body.npz"]


def test_an_existing_body_is_kept(tmp_path, monkeypatch, bodies):
    monkeypatch.setattr(Body, "paint", classmethod(lambda _cls, _seed, kind: bodies[kind]))
    paint_if_missing("chest", tmp_path, 12)
    path = path_of(tmp_path, "chest", 12)
    assert (path.name, seed_of(path)) == ("chest-000012.npz", 12)
    path.write_bytes(b"kept")
    paint_if_missing("chest", tmp_path, 12)
    assert path.read_bytes() == b"kept"
