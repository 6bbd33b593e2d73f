"""Which candidates count, how sure, what they are otherwise, and in which artery."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.anatomy import find
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import verdicts as lesions
from scoring.judgement.metal import find_metal
from scoring.judgement.verdicts import judge, weigh
from scoring.result import ARTERIES, COUNTED, POSSIBLE, SURE

SPACING = (3.0, 0.8, 0.8)
SHAPE = (30, 100, 100)
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
STANDARD = conventions.named("standard")
MIDDLE = (42.0, 40.0, 40.0)


def scene(*places, peak=600, size_mm=3.0, background=-100, noise=0.0):
    """Balls of calcium in one tissue, 1.5 cm and more apart."""
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(SHAPE, SPACING, strict=True)), indexing="ij")
    hu = np.full(SHAPE, background, np.float64)
    for at in places or (MIDDLE,):
        hu[(z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2 <= size_mm**2] = peak
    hu += np.random.default_rng(0).normal(0, noise, SHAPE)
    return Volume(hu.round().astype(np.int16), SPACING, (0.0, 0.0, 0.0), AXES, ())


def judged(volume, anatomy):
    return judge(volume, anatomy, agatston.candidates(volume, STANDARD))


def verdict(anatomy, **kwargs):
    (found,) = judged(scene(**kwargs), anatomy)
    return found


def test_calcium_in_the_fat_beside_an_artery_counts(given_anatomy):
    found = verdict(given_anatomy())
    assert (found.counted, found.artery, found.reason) == (True, "LAD", "")
    assert found.confidence > 0.9
    assert found.alternative


def test_order_and_length_are_kept(given_anatomy):
    volume = scene((30.0, 40.0, 40.0), (60.0, 20.0, 64.0), (48.0, 60.0, 20.0))
    anatomy = given_anatomy(body=lambda p: np.where(p[:, 0] > 52, 30.0, -3.0))
    candidates = agatston.candidates(volume, STANDARD)
    found = judge(volume, anatomy, candidates)
    assert [item.candidate for item in found] == candidates
    assert [item.counted for item in found] == [True, True, False]


def test_nothing_to_judge(given_anatomy):
    assert judge(scene(peak=0), given_anatomy(), []) == []


class TestArtery:
    @pytest.mark.parametrize("artery", ARTERIES)
    def test_the_likeliest(self, given_anatomy, artery):
        found = verdict(given_anatomy(likely=dict.fromkeys(ARTERIES, 0.1) | {artery: 0.6}))
        assert (found.counted, found.artery) == (True, artery)

    def test_also_of_what_does_not_count(self, given_anatomy):
        found = verdict(given_anatomy(likely={"LCX": 0.01}, body=20.0))
        assert (found.counted, found.artery) == (False, "LCX")


AT_ROOT = {"likely": {"root": 0.97, "LM": 0.02}, "ascending": 0.0, "aorta": 0.0, "chambers": 6.0}
AT_ANNULUS = {"likely": {"annulus": 0.97, "LCX": 0.02}, "left atrium": 0.0, "left ventricle": 0.0, "chambers": -2.0}
AT_ANNULUS |= {"landmarks": {"mitral_valve": (42.0, 40.0, 58.0)}}


@pytest.mark.parametrize(
    ("why", "given", "image"),
    [
        ("outside_heart", {"body": 30.0}, {}),
        ("aortic_root", AT_ROOT, {"background": 0}),
        ("mitral_annulus", AT_ANNULUS, {"background": 20}),
        ("in_lung", {"likely": {"LAD": 0.9}, "body": 1.0}, {"background": -850}),
        ("inside_heart", {"chambers": -20.0}, {}),
        ("above_arteries", {"left_main_mm": 0.0}, {}),
        ("too_large", {}, {"size_mm": 12.0}),
        ("descending_aorta", {"descending": 0.0}, {}),
        ("at_bone", {"bone": -2.0}, {}),
        ("airway_wall", {"airway": -1.0}, {}),
        ("below_diaphragm", {"abdomen": -15.0}, {}),
        ("at_oesophagus", {"oesophagus": -6.0}, {}),
        ("like_noise", {"noise_hu": 24.0, "smooth_noise_hu": 16.0}, {"peak": 140, "size_mm": 1.0}),
        ("in_streak", {}, {"background": 90}),
    ],
)
def test_a_candidate_that_does_not_count_says_what_it_is(given_anatomy, why, given, image):
    found = verdict(given_anatomy(**given), **image)
    assert not found.counted
    assert found.confidence < 0.2
    assert found.reason == found.alternative == why


def test_no_single_tissue_is_a_veto(given_anatomy):
    """On a course in a slim heart: no fat, and lung on one side."""
    volume = scene(background=20)
    volume.hu[:, :, 56:] = np.where(volume.hu[:, :, 56:] == 20, -850, volume.hu[:, :, 56:])
    (found,) = judged(volume, given_anatomy(likely={"LCX": 0.99}, body=-1.0, chambers=1.0))
    assert found.counted


class TestLook:
    def test_everything_in_the_range_was_looked_at(self):
        assert lesions.LOOKED_AT < POSSIBLE < COUNTED < SURE

    def test_only_what_has_a_chance_by_place(self, given_anatomy, monkeypatch):
        volume = scene((30.0, 40.0, 40.0), (60.0, 20.0, 64.0))
        anatomy = given_anatomy(body=lambda p: np.where(p[:, 0] > 45, 40.0, -3.0))
        asked = []
        real = lesions.look_at
        monkeypatch.setattr(lesions, "look_at", lambda *given: asked.append(given[2].id) or real(*given))
        judged(volume, anatomy)
        assert asked == [1]

    def test_disagreeing_nets_say_less(self, given_anatomy):
        sure = [verdict(given_anatomy(doubt=value, likely={"LAD": 0.999})).confidence for value in (0.0, 0.4, 0.9)]
        assert sure == sorted(sure, reverse=True)
        assert sure[0] > sure[2] + 0.01


class TestStent:
    """Rods along x with a cross section of 2.4 mm."""

    @staticmethod
    def rod(anatomy, voxels, peak):
        volume = scene(peak=-100)
        volume.hu[14, 50:53, 40 : 40 + voxels] = peak
        (found,) = judged(volume, anatomy)
        assert found.counted
        return found

    @pytest.mark.parametrize("voxels", [22, 40])
    def test_counts_but_is_not_sure(self, given_anatomy, voxels):
        """From 16.8 mm on."""
        found = self.rod(given_anatomy(likely={"LAD": 0.999}), voxels, 1300)
        assert (found.confidence, found.reason) == (0.75, "like_stent")

    @pytest.mark.parametrize(("voxels", "peak"), [(12, 1300), (22, 850)])
    def test_shorter_or_darker_is_calcium(self, given_anatomy, voxels, peak):
        """At 8.9 mm; at 850 HU."""
        found = self.rod(given_anatomy(likely={"LAD": 0.999}), voxels, peak)
        assert found.confidence > 0.8
        assert found.reason == ""


def test_other_calcium_of_the_ring_is_evidence(given_anatomy):
    """One at the ostium alone, and with three more round the root."""
    at = (42.0, 40.0, 40.0)
    ring = [(42.0, 40.0, 64.0), (42.0, 22.0, 52.0), (42.0, 58.0, 52.0)]

    def root(points):
        return np.where(np.linalg.norm(points - at, axis=1) < 8, 0.5, 0.98)

    def left_main(points):
        return np.where(np.linalg.norm(points - at, axis=1) < 8, 0.49, 0.01)

    anatomy = given_anatomy(likely={"root": root, "LM": left_main}, ascending=1.0, aorta=1.0)
    first, second = (
        weigh(volume, anatomy, found := agatston.candidates(volume, STANDARD), find_metal(volume, found))
        for volume in (scene(at), scene(at, *ring))
    )
    place = int(np.argmax(second.features.artery.sum(axis=0)))
    assert second.probability[place] < first.probability[0]


@pytest.fixture(scope="module")
def verdicts(patient, as_volume):
    volume = as_volume(patient)
    return judged(volume, find(volume))


class TestPhantom:
    def test_calcium_is_found_and_only_that(self, patient, verdicts):
        counted = [item for item in verdicts if item.counted]
        assert sum(item.candidate.agatston for item in counted) == pytest.approx(patient.truth.agatston.total, rel=0.2)
        for item in counted:
            away = [
                np.linalg.norm(np.subtract(item.candidate.centroid_mm, lesion.centre_mm))
                for lesion in patient.truth.lesions
            ]
            assert min(away) < 6

    def test_in_the_right_artery(self, patient, verdicts):
        """By Agatston score, at most a fifth in another one."""
        right = total = 0.0
        for item in (item for item in verdicts if item.counted):
            away = [
                np.linalg.norm(np.subtract(item.candidate.centroid_mm, lesion.centre_mm))
                for lesion in patient.truth.lesions
            ]
            total += item.candidate.agatston
            right += item.candidate.agatston * (item.artery == patient.truth.lesions[int(np.argmin(away))].artery)
        assert total > 0
        assert right > 0.8 * total

    def test_calcium_in_the_aortic_wall_is_not_counted(self, patient, as_volume, verdicts):
        volume = as_volume(patient)
        for plaque in patient.truth.distractors:
            away = [
                np.linalg.norm(volume.to_patient(item.candidate.voxels) - plaque.centre_mm, axis=1).min()
                for item in verdicts
            ]
            nearest = verdicts[int(np.argmin(away))]
            assert min(away) < 4, plaque.kind
            assert not nearest.counted, plaque.kind
            assert nearest.reason, plaque.kind
