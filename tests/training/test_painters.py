"""The order in which bodies are painted."""

from training.body import HELD_OUT
from training.painters import interleave


def test_few_first_then_those_held_out_then_the_rest():
    tasks = interleave(held_out=2, bodies=150)
    assert len(tasks) == len(set(tasks)) == 150 + 2 * 2
    assert tasks[90:94] == [(kind, HELD_OUT + number) for number in (0, 1) for kind in ("heart", "chest")]
    rest = tasks[:90] + tasks[94:]
    assert all(seed < HELD_OUT for _, seed in rest)
    # A heart for every seed, a chest for every second.
    assert [seed for kind, seed in rest if kind == "heart"] == list(range(100))
    assert [seed for kind, seed in rest if kind == "chest"] == list(range(0, 100, 2))


def test_fewer_bodies_than_come_first():
    assert interleave(held_out=1, bodies=3) == [
        ("heart", 0),
        ("chest", 0),
        ("heart", 1),
        ("heart", HELD_OUT),
        ("chest", HELD_OUT),
    ]
