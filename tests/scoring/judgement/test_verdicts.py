"""Which candidates count, how sure, and in which artery."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NotScorable
from scoring.anatomy import find
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import verdicts as lesions
from scoring.judgement.features import Features, Surroundings
from scoring.judgement.verdicts import NOISE, PLACE_RULES, Verdict, fit, judge, refuse_noise
from scoring.result import ARTERIES, COUNTED, POSSIBLE, SURE

SPACING = (3.0, 0.8, 0.8)
SHAPE = (30, 100, 100)
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
STANDARD = conventions.named("standard")
MIDDLE = (42.0, 40.0, 40.0)
LEFT_MAIN_MM = 60.0


def scene(*places, peak=600, size_mm=4.0, background=-100, noise=0.0):
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


def features(**values):
    """Features of one candidate that fits everywhere; what a test names replaces them."""
    usual = dict.fromkeys((field.name for field in fields(Features)), 40.0)
    usual |= {"above_mm": -18.0, "heart_mm": -3.0, "chamber_mm": 5.0, "abdomen_mm": 30.0, "volume_mm3": 60.0}
    usual |= {"contrast_hu": 500.0, "noise_hu": 12.0} | values
    arrays = {name: np.atleast_1d(np.asarray(value, float)) for name, value in usual.items()}
    course = values.get("course_mm", [15.0, -4.0, 15.0, 15.0])
    return Features(**arrays | {"course_mm": np.reshape(course, (4, -1)).astype(float), "blood_hu": 40.0})


def around(**values):
    """Fat all round."""
    return Surroundings(
        **({"darkest_hu": -100.0, "median_hu": -90.0, "lung": 0.0, "touching_lung": 0.0, "noise_hu": 12.0} | values)
    )


def rules(surroundings, found, index=0, noise_limit=6.0, smooth_noise_hu=4.0):
    """Fit of each rule that looks at the surroundings, by its reason."""
    pairs = lesions._fit_surroundings(surroundings, found, index, noise_limit, smooth_noise_hu)
    assert len({reason for _, reason in pairs}) == len(pairs)
    return {reason: fits for fits, reason in pairs}


def seen(surroundings, found, **given):
    """Their product, and the reason of the weakest."""
    fits = rules(surroundings, found, **given)
    return math.prod(fits.values()), min(fits, key=fits.get)


def test_calcium_in_the_fat_beside_an_artery_counts(given_anatomy):
    found = verdict(given_anatomy())
    assert (found.counted, found.artery, found.reason) == (True, "LAD", "")
    assert found.confidence > 0.9


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
    def test_of_the_nearest_course(self, given_anatomy, artery):
        distances = np.array([9.0, 8.0, 7.0, 6.0])
        distances[ARTERIES.index(artery)] = 2.0
        found = verdict(given_anatomy(courses=lambda p: np.tile(distances[:, None], len(p))))
        assert (found.counted, found.artery) == (True, artery)

    def test_changes_half_way(self, given_anatomy):
        """Courses along y at x = 20 and x = 60 mm, as the LCX and the RCA."""

        def courses(points):
            x = points[:, 2]
            return np.stack([20 + 0 * x, 20 + 0 * x, abs(x - 20), abs(x - 60)])

        volume = scene(*[(42.0, y, x) for y, x in ((10.0, 16.0), (30.0, 30.0), (50.0, 50.0), (70.0, 70.0))])
        found = judged(volume, given_anatomy(courses=courses))
        assert [item.artery for item in found] == ["LCX", "LCX", "RCA", "RCA"]

    def test_also_of_what_does_not_count(self, given_anatomy):
        far = np.array([20.0, 19.0, 20.0, 20.0])
        found = verdict(given_anatomy(courses=lambda p: np.tile(far[:, None], len(p))))
        assert (found.counted, found.artery) == (False, "LAD")


@pytest.mark.parametrize(
    ("why", "distances", "image"),
    [
        ("outside_heart", {"body": 20.0}, {}),
        ("off_course", {"courses": lambda p: np.full((4, len(p)), 20.0)}, {}),
        ("inside_heart", {"chambers": -20.0}, {}),
        ("above_arteries", {"left_main_mm": 0.0}, {}),
        ("too_large", {}, {"size_mm": 22.0}),
        ("descending_aorta", {"descending": 1.0}, {}),
        ("descending_aorta", {"descending": -5.0}, {}),
        ("ascending_aorta", {"ascending": -2.0, "left_main_mm": 50.0}, {}),
        ("at_bone", {"bone": 0.0}, {}),
        ("airway_wall", {"airway": 1.0}, {}),
        ("below_diaphragm", {"abdomen": -15.0}, {}),
        ("at_oesophagus", {"oesophagus": -4.0}, {}),
        ("like_noise", {"noise_hu": 24.0}, {"peak": 150}),
        ("no_fat", {}, {"background": 40}),
        ("in_streak", {}, {"background": 90}),
        ("at_lung", {}, {"background": -850}),
    ],
)
def test_a_candidate_that_does_not_count_has_a_reason(given_anatomy, why, distances, image):
    found = verdict(given_anatomy(**distances), **image)
    assert not found.counted
    assert found.confidence < 0.3
    assert found.reason == why


# By how many widths the usual features lie within each limit.
WIDTHS = {
    "heart_mm": 9.5 / 1.2,
    "nearest_mm": 15 / 1.8,
    "chamber_mm": 14 / 1.3,
    "above_mm": 42 / 3,
    "volume_mm3": 19940 / 2000,
    "descending_mm": 35.5 / 0.8,
    "bone_mm": 36 / 1,
    "airway_mm": 35 / 1,
    "abdomen_mm": 34 / 1.5,
    "oesophagus_mm": 39 / 1,
    "noise": (500 / 12 - 6) / 0.7,
}


def logistic(widths):
    return 1 / (1 + np.exp(-widths))


def others(*left_out):
    """The product of the fits of the usual features but those left out."""
    return math.prod(logistic(widths) for name, widths in WIDTHS.items() if name not in left_out)


def test_the_product_of_all_rules_decides_and_the_weakest_is_named():
    found = features(bone_mm=[2.0, 40.0, 3.0], airway_mm=[40.0, 1.0, 1.0], **same(3))
    confidence, weakest, reasons = lesions._fit_position(found, 6.0)
    assert reasons == ["at_bone", "airway_wall", "airway_wall"]
    # Two widths under the limit of bone; four of the airway's; one and four.
    assert weakest == pytest.approx([1 / (1 + np.e**2), 1 / (1 + np.e**4), 1 / (1 + np.e**4)])
    rest = others("bone_mm", "airway_mm")
    assert 0.999 < rest < 1
    both = 1 / (1 + np.e) / (1 + np.e**4)
    assert confidence == pytest.approx([rest / (1 + np.e**2), rest / (1 + np.e**4), rest * both], rel=1e-6)


def test_nothing_speaks_against_the_usual_place():
    confidence, _, _ = lesions._fit_position(features(), 6.0)
    assert confidence == pytest.approx([others()], rel=1e-9)
    assert {*WIDTHS} == {*(rule.feature for rule in PLACE_RULES), "noise"}


def same(count):
    """The usual values for several candidates."""
    one = features()
    values = {field.name: getattr(one, field.name) for field in fields(Features)}
    made = {name: np.repeat(value, count) for name, value in values.items() if name not in ("course_mm", "blood_hu")}
    del made["bone_mm"], made["airway_mm"]
    return made | {"course_mm": np.tile([[15.0], [-4.0], [15.0], [15.0]], count)}


class TestProduct:
    """Two rules that each leave doubt, bone at 4 mm and the airway at 5 mm with 1 mm of softness."""

    def test_two_doubts_are_more_than_one(self, given_anatomy):
        usual = verdict(given_anatomy()).confidence
        one = verdict(given_anatomy(bone=4.5))
        both = verdict(given_anatomy(bone=4.5, airway=6.0))
        assert one.confidence == pytest.approx(usual * logistic(0.5), rel=1e-6)
        assert both.confidence == pytest.approx(usual * logistic(0.5) * logistic(1.0), rel=1e-6)
        # 0.62 alone counts; 0.62 x 0.73 = 0.46 does not.
        assert (one.counted, both.counted) == (True, False)
        assert one.reason == both.reason == "at_bone"

    @pytest.mark.parametrize(("bone", "reason"), [(4.5, "at_bone"), (6.0, "ascending_aorta")])
    def test_place_and_surroundings_together(self, given_anatomy, bone, reason):
        """18 mm below the left main the aorta's wall ends at 1.6 mm: 2.6 mm lie one width outside."""
        usual = verdict(given_anatomy()).confidence
        found = verdict(given_anatomy(bone=bone, ascending=2.6))
        assert found.confidence == pytest.approx(usual * logistic(bone - 4) * logistic(1.0), rel=1e-3)
        assert found.reason == reason

    def test_many_small_doubts(self, given_anatomy):
        """Each would leave it sure: 0.88 to the fifth power is 0.53."""
        distances = {"bone": 6.0, "airway": 7.0, "oesophagus": 3.0, "abdomen": -1.0, "descending": 6.1}
        usual = verdict(given_anatomy()).confidence
        for name, value in distances.items():
            assert verdict(given_anatomy(**{name: value})).confidence > 0.8
        found = verdict(given_anatomy(**distances))
        assert found.confidence == pytest.approx(usual * logistic(2.0) ** 5, rel=1e-6)
        assert found.counted
        assert found.reason


class TestLook:
    """The surroundings are looked at from a confidence of 0.15 on, by place alone."""

    @pytest.mark.parametrize("bone", [2.4, 3.2, 3.7])
    def test_a_doubtful_place_in_bad_surroundings_is_hopeless(self, given_anatomy, bone):
        """0.17, 0.31 and 0.43 by place, but no fat around: left alone, all but the first would be in the range."""
        found = verdict(given_anatomy(bone=bone), background=40)
        assert 0.15 < logistic(bone - 4) < 0.45
        assert found.confidence < 0.05

    def test_a_place_below_it_decides_alone(self, given_anatomy):
        usual = verdict(given_anatomy(bone=2.2)).confidence
        assert usual == pytest.approx(logistic(2.2 - 4), rel=0.05)
        assert verdict(given_anatomy(bone=2.2), background=40).confidence == pytest.approx(usual, rel=0.05)

    def test_everything_in_the_range_was_looked_at(self):
        assert lesions.LOOKED_AT < POSSIBLE < COUNTED < SURE


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
        """From 16.8 mm on, 2.5 widths over 13 mm."""
        found = self.rod(given_anatomy(), voxels, 1300)
        assert (found.confidence, found.reason) == (0.6, "like_stent")

    @pytest.mark.parametrize(("voxels", "peak"), [(12, 1300), (22, 850), (15, 1000)])
    def test_shorter_or_darker_is_calcium(self, given_anatomy, voxels, peak):
        """At 8.9 mm; at 850 HU; and at 11.3 mm and 1,000 HU, where both rules leave doubt."""
        found = self.rod(given_anatomy(), voxels, peak)
        assert found.confidence > 0.9
        assert found.reason == ""

    @pytest.mark.parametrize(("bone", "confidence"), [(4.3, logistic(0.3)), (5.0, logistic(1.0))])
    def test_what_is_not_sure_anyway_keeps_its_reason(self, given_anatomy, bone, confidence):
        found = self.rod(given_anatomy(bone=bone), 22, 1300)
        assert found.confidence == pytest.approx(confidence, rel=0.01)
        assert found.reason == "at_bone"


class TestSmoothness:
    @given(low=st.floats(-200, 200), step=st.floats(0, 50), limit=st.floats(-100, 100), width=st.floats(0.05, 20))
    def test_fit_is_between_0_and_1_and_monotone(self, low, step, limit, width):
        first, second = float(fit(low, limit, width)), float(fit(low + step, limit, width))
        assert 0 <= first <= second <= 1
        assert float(fit(low, limit, -width)) == pytest.approx(1 - first, abs=1e-9)
        assert float(fit(limit, limit, width)) == pytest.approx(0.5)
        # A logistic is steepest at its limit, a quarter a width.
        assert second - first <= step / (4 * width) + 1e-9

    def test_three_widths(self):
        assert float(fit(13.0, 10.0, 1.0)) == pytest.approx(0.9526, abs=1e-4)

    @pytest.mark.parametrize("rule", PLACE_RULES, ids=lambda rule: f"{rule.feature} {rule.reason}")
    def test_rules_leave_room_for_doubt(self, rule):
        steps = rule.limit + abs(rule.width) * np.linspace(-5, 5, 41)
        names = {"nearest_mm": "course_mm"}
        confidence = np.array(
            [
                lesions._fit_position(
                    features(
                        **{names.get(rule.feature, rule.feature): [value] * (4 if rule.feature == "nearest_mm" else 1)}
                    ),
                    6.0,
                )[0][0]
                / others(rule.feature)
                for value in steps
            ]
        )
        if rule.width < 0:
            confidence = confidence[::-1]
        assert (np.diff(confidence) > 0).all()
        assert np.diff(confidence).max() < 0.07  # a quarter of a width, a quarter a width
        assert confidence[20] == pytest.approx(0.5)
        assert confidence[0] < 0.01
        assert confidence[-1] > 0.99

    def test_the_reason_is_that_of_the_rule(self):
        for rule in PLACE_RULES:
            value = rule.limit - 3 * rule.width
            name, count = ("course_mm", 4) if rule.feature == "nearest_mm" else (rule.feature, 1)
            confidence, weakest, reasons = lesions._fit_position(features(**{name: [value] * count}), 6.0)
            assert reasons == [rule.reason]
            assert weakest == pytest.approx([1 / (1 + np.e**3)])
            assert confidence == pytest.approx([others(rule.feature) / (1 + np.e**3)], rel=1e-6)

    def test_confidence_falls_steadily_towards_the_aortic_wall(self, given_anatomy):
        sure = [
            verdict(given_anatomy(ascending=outside, left_main_mm=40.0)).confidence
            for outside in (20, 8, 6, 5, 3, 1, -3)
        ]
        assert sure == sorted(sure, reverse=True)
        assert sure[0] > 0.9
        assert sure[-1] < 0.1

    def test_brighter_is_surer(self, given_anatomy):
        anatomy = given_anatomy(noise_hu=24.0)
        sure = [verdict(anatomy, peak=peak).confidence for peak in (150, 180, 210, 260, 400)]
        assert sure == sorted(sure)
        assert sure[0] < 0.3
        assert sure[-1] > 0.9


class TestSurroundings:
    def test_nothing_speaks_against_fat(self):
        assert seen(around(), features())[0] > 0.98

    def test_each_rule_by_itself(self):
        """Fat 1.5 widths under -5 HU, a median 2 widths under 8 HU over the blood's 40, noise of 8 times the rest."""
        values = {"darkest_hu": -17.0, "median_hu": 43.0, "lung": 0.22 - 0.07, "touching_lung": 0.2 + 0.0175}
        # Off the course of every artery, 1.2 mm outside where the wall ends 18 mm below the left main.
        place = features(course_mm=[15.0] * 4, ascending_mm=2.8)
        found = rules(around(**values, noise_hu=500 / (0.75 * 6.7)), place)
        expected = {
            NOISE: 1.0,
            "no_fat": 1.5,
            "in_streak": 2.0,
            "in_lung": 2.0,
            "at_lung": -0.5,
            "ascending_aorta": 1.2,
        }
        assert found.keys() == expected.keys()
        for reason, widths in expected.items():
            # A bright median is no fat, and 15 mm is off the course: less than 0.001 of the lung is forgiven.
            assert found[reason] == pytest.approx(logistic(widths), abs=0.003), reason

    @pytest.mark.parametrize(
        ("why", "values"),
        [
            ("no_fat", {"darkest_hu": 40.0}),
            ("in_streak", {"median_hu": 75.0}),
            ("in_lung", {"lung": 0.95}),
            ("at_lung", {"touching_lung": 0.9}),
            (NOISE, {"noise_hu": 200.0}),
        ],
    )
    def test_reasons(self, why, values):
        confidence, reason = seen(around(**values), features())
        assert confidence < 0.2
        assert reason == why

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("darkest_hu", np.linspace(-80, 60, 60)),
            ("median_hu", np.linspace(-40, 80, 60)),
            ("lung", np.linspace(0, 1, 60)),
            ("touching_lung", np.linspace(0, 1, 60)),
            ("noise_hu", np.linspace(20, 300, 60)),
        ],
    )
    def test_confidence_falls_steadily(self, name, values):
        sure = [seen(around(**{name: value}), features())[0] for value in values]
        assert (np.diff(sure) <= 1e-12).all()
        assert np.diff(sure).min() > -0.2
        assert sure[0] > 0.8
        assert sure[-1] < 0.1

    def test_noise_that_looks_like_fat(self):
        """The darkest of noisy blood is no fat."""
        dark = around(darkest_hu=-15.0)
        quiet, noisy = (seen(dark, features(), smooth_noise_hu=sd)[0] for sd in (6.0, 20.0))
        assert quiet > 0.7
        assert noisy < 0.5

    def test_far_below_thin_fat_is_enough(self):
        thin = around(darkest_hu=5.0, median_hu=20.0)
        assert seen(thin, features(above_mm=-90.0))[0] > seen(thin, features(above_mm=-20.0))[0] + 0.3

    def test_lung_beside_fat_may_be_more(self):
        beside = features(course_mm=[15.0, 7.0, 15.0, 15.0])
        assert seen(around(lung=0.32), beside)[0] > 0.8
        assert seen(around(lung=0.32, median_hu=10.0), beside)[0] < 0.3

    def test_lung_beside_the_course_of_an_artery_may_be_more(self):
        on, beside = features(), features(course_mm=[15.0, 7.0, 15.0, 15.0])
        for values in ({"lung": 0.4, "median_hu": 10.0}, {"touching_lung": 0.35}):
            assert seen(around(**values), on)[0] > 0.8
            assert seen(around(**values), beside)[0] < 0.3


class TestRoot:
    """Outside the wall of the ascending aorta, at heights over the left main."""

    @staticmethod
    def outside(away, above, course=(15.0, 2.0, 15.0, 15.0)):
        return lesions._fit_outside_root(features(ascending_mm=away, above_mm=above, course_mm=course), 0)

    @given(away=st.floats(-20, 40), above=st.floats(-80, 30), step=st.floats(0, 5))
    def test_further_out_fits_better(self, away, above, step):
        near, far = (self.outside(value, above) for value in (away, away + step))
        assert 0 <= near <= far + 1e-12
        assert far <= 1

    @given(away=st.floats(-20, 40), above=st.floats(-80, 30), step=st.floats(0, 5))
    def test_further_down_fits_better(self, away, above, step):
        assert self.outside(away, above - step) >= self.outside(away, above) - 1e-9

    def test_known_places(self):
        assert self.outside(0.0, 10.0) < 0.05  # in the wall
        assert self.outside(8.0, 10.0) > 0.95  # beside it
        assert self.outside(-12.0, -60.0) > 0.95  # below the valve there is no aorta

    @pytest.mark.parametrize("course", [(-2.0, 5.0, 5.0, 15.0), (15.0, 15.0, 15.0, -2.0)])
    def test_where_an_artery_leaves_it_lies_at_the_wall(self, course):
        """Of the left main and the right artery, which begin there."""
        assert self.outside(1.0, 2.0, course) > 0.9
        assert self.outside(1.0, 2.0, (15.0, -2.0, -2.0, 15.0)) < 0.1
        assert self.outside(-6.0, 2.0, course) < 0.1


class TestMetal:
    def test_at_an_artery(self, given_anatomy):
        with pytest.raises(NotScorable) as raised:
            verdict(given_anatomy(), peak=2600)
        assert raised.value.code == "metal"
        assert raised.value.values["max_hu"] == 2600

    @pytest.mark.parametrize("distances", [{"body": 30.0}, {"bone": 0.0}, {"chambers": -30.0}])
    def test_elsewhere(self, given_anatomy, distances):
        assert not verdict(given_anatomy(**distances), peak=2600).counted

    @pytest.mark.parametrize("peak", [1999, 2000])
    def test_from_two_thousand(self, given_anatomy, peak):
        if peak < 2000:
            assert verdict(given_anatomy(), peak=peak).counted
        else:
            with pytest.raises(NotScorable, match="metal"):
                verdict(given_anatomy(), peak=peak)

    @pytest.mark.parametrize(("voxels", "is_metal"), [(1, False), (2, True)])
    def test_at_least_a_square_millimetre_of_a_slice(self, given_anatomy, voxels, is_metal):
        """A voxel has 0.64 mm2."""
        volume = scene()
        volume.hu[14, 50, 50 : 50 + voxels] = 2500
        volume.hu[13, 50, 50] = 2500
        if is_metal:
            with pytest.raises(NotScorable):
                judged(volume, given_anatomy())
        else:
            assert judged(volume, given_anatomy())[0].counted

    @pytest.mark.parametrize("elsewhere", [{"chambers": -30.0}, {"bone": 0.0}, {"left_main_mm": 0.0}])
    @pytest.mark.parametrize(("body", "is_metal"), [(-2.9, False), (-3.1, True), (-20.0, True)])
    def test_from_three_millimetres_inside_the_heart(self, given_anatomy, elsewhere, body, is_metal):
        """There also where no coronary calcium could be."""
        anatomy = given_anatomy(body=body, **elsewhere)
        if is_metal:
            with pytest.raises(NotScorable, match="metal max_hu=2600"):
                verdict(anatomy, peak=2600)
        else:
            assert not verdict(anatomy, peak=2600).counted

    def test_calcium_deep_inside_the_heart_is_no_metal(self, given_anatomy):
        assert not verdict(given_anatomy(body=-20.0, chambers=-30.0), peak=1900).counted

    def test_a_wire_through_the_heart(self, given_anatomy):
        """Most of it lies outside: one slice of it within is enough."""
        volume = scene(peak=-100)
        volume.hu[:, 50:52, 50:53] = 2500
        inside = given_anatomy(body=lambda p: np.where(np.abs(p[:, 0] - 42) < 2, -3.0, 30.0))
        with pytest.raises(NotScorable, match="metal"):
            judged(volume, inside)
        assert not judged(volume, given_anatomy(body=30.0))[0].counted


class TestNoise:
    @pytest.mark.parametrize(
        ("noise_hu", "found", "refused"),
        [
            (40.0, [], True),
            (26.0, [], True),
            (24.0, [], False),
            (40.0, [(True, 0.6)], True),
            (40.0, [(True, 0.9)], False),
            (40.0, [(True, 0.6), (True, 0.85)], False),
            (40.0, [(False, 0.4)], True),
        ],
    )
    def test_only_a_sure_lesion_stands_against_noise(self, noise_hu, found, refused):
        made = [Verdict(None, counted, "LAD", confidence, "") for counted, confidence in found]
        if refused:
            with pytest.raises(NotScorable, match=f"noise noise_hu={noise_hu}"):
                refuse_noise(noise_hu, made)
        else:
            refuse_noise(noise_hu, made)

    def test_of_a_scan(self, given_anatomy):
        with pytest.raises(NotScorable, match="noise noise_hu=30"):
            judge(scene(peak=0), given_anatomy(noise_hu=30.0), [])

    def test_more_candidates_need_more_contrast(self):
        """Ten times as many tries of noise."""
        few, some, many = (lesions._noise_limit(count) for count in (1, 300, 3000))
        assert few == some
        assert many - some == pytest.approx(0.6)

    def test_noise_alone_counts_nowhere(self, given_anatomy):
        # 130 HU are two standard deviations over the blood.
        volume = scene(peak=82, background=82, noise=24.0)
        found = judged(volume, given_anatomy(blood_hu=82.0, noise_hu=24.0, smooth_noise_hu=8.0))
        assert len(found) > 20
        assert not any(item.counted for item in found)


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
