"""Which images are shown: one for each slice that was scored, however many images it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scoring.report.slices.shown import choose_images
from scoring.result import ImageRef, Score

Runs = Sequence[tuple[int, int, int, int]]


def over_slabs(score: Score, count: int, *lesions: Runs) -> Score:
    """The score with lesions of such runs, on slabs of so many images."""
    made = tuple(
        replace(
            score.lesions[0],
            id=number,
            slices=(indices := tuple(sorted({run[0] for run in runs}))),
            images=tuple(ImageRef(index, f"1.2.{index}") for index in indices),
            runs=tuple(sorted(runs)),
        )
        for number, runs in enumerate(lesions, start=1)
    )
    return replace(score, lesions=made, provenance=replace(score.provenance, slab_slices=count, slab_mm=3.0))


def slab(first: int, count: int, *run: int) -> list[tuple[int, int, int, int]]:
    row, column, length = run
    return [(index, row, column, length) for index in range(first, first + count)]


def test_slices_that_were_scored_themselves_are_all_shown(scores: dict[str, Score]) -> None:
    score = over_slabs(scores["3"], 1, slab(4, 3, 5, 5, 2))
    assert choose_images(score) == {index: ImageRef(index, f"1.2.{index}") for index in (4, 5, 6)}


def test_the_middle_image_of_every_slab_is_shown(scores: dict[str, Score]) -> None:
    one = [*slab(3, 3, 5, 5, 2), *slab(6, 3, 5, 5, 3), *slab(6, 3, 6, 5, 2)]
    other = slab(12, 3, 9, 9, 1)
    assert list(choose_images(over_slabs(scores["3"], 3, one, other))) == [4, 7, 13]


def test_of_an_even_number_the_lower_of_the_middle_ones(scores: dict[str, Score]) -> None:
    assert list(choose_images(over_slabs(scores["3"], 2, [*slab(2, 2, 5, 5, 2), *slab(4, 2, 5, 5, 3)]))) == [2, 4]


def test_slabs_that_look_alike_are_told_apart(scores: dict[str, Score]) -> None:
    assert list(choose_images(over_slabs(scores["3"], 3, slab(3, 6, 5, 5, 2)))) == [4, 7]


def test_slabs_of_two_lesions_are_those_of_both(scores: dict[str, Score]) -> None:
    score = over_slabs(scores["3"], 3, slab(0, 6, 5, 5, 2), slab(3, 6, 8, 8, 2))
    assert list(choose_images(score)) == [1, 4, 7]


def test_a_score_of_zero_shows_none(scores: dict[str, Score]) -> None:
    provenance = replace(scores["0"].provenance, slab_slices=3, slab_mm=3.0)
    assert choose_images(replace(scores["0"], provenance=provenance)) == {}
