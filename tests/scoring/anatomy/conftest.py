"""Grids and nets' answers made by hand, so that what is expected follows from geometry."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from scoring.anatomy.coarse import Coarse
from scoring.anatomy.isotropic import Cubes
from scoring.anatomy.network import Found
from scoring.images.volume import Volume

AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
CHEST = (
    "mediastinum",
    "lung",
    "heart",
    "ascending",
    "descending",
    "pulmonary",
    "spine",
    "rib",
    "airway",
    "abdomen",
    "wall",
    "oesophagus",
)
HEART = ("other", "fat", "left ventricle", "right ventricle", "left atrium", "right atrium", "ascending")

Shape = Callable[..., np.ndarray]


def volume(hu, spacing=(3.0, 1.5, 1.5)) -> Volume:
    """A volume whose patient coordinates are those of its axes."""
    return Volume(np.asarray(hu, np.int16), spacing, (0.0, 0.0, 0.0), AXES, ())


def grid(hu, spacing=(2.5, 1.5, 1.5), start=(0.0, 0.0, 0.0)) -> Coarse:
    """A coarse grid."""
    return Coarse(np.asarray(hu, np.int16), spacing, start)


def cubes(size, step=4.0, start=(0.0, 0.0, 0.0), hu=0.0) -> Cubes:
    """Cubes of one attenuation that nothing pads."""
    return Cubes(np.full(size, hu, np.float32), tuple(size), np.array(start), step)


def places(image: Cubes):
    """The centres z, y, x in mm of what the image covers, as arrays that broadcast."""
    lines = [image.start_mm[axis] + np.arange(image.size[axis]) * image.step_mm for axis in range(3)]
    return np.meshgrid(*lines, indexing="ij", sparse=True)


def answer(image: Cubes, shapes: dict[str, Shape], given=None, spots=None, classes=CHEST) -> Found:
    """What nets would say that are sure of their classes.

    Classes, probabilities of places and those of landmarks, up to a factor, are functions of z, y, x in mm.
    """
    at = places(image)
    label = np.zeros(image.size, np.uint8)
    for name, inside in shapes.items():
        label[np.broadcast_to(inside(*at), image.size)] = classes.index(name)
    share = (label == np.arange(len(classes))[:, None, None, None]).astype(np.float32)

    def stacked(functions):
        values = [np.broadcast_to(value(*at), image.size) for value in functions]
        return np.array(values, np.float32).reshape(-1, *image.size)

    given, spots = given or {}, spots or {}
    spot = stacked(spots.values())
    spot /= spot.sum(axis=(1, 2, 3), keepdims=True)
    return Found(
        cubes=image,
        classes=classes,
        places=tuple(name for name in given if name != "doubt"),
        landmarks=tuple(spots),
        label=label,
        share=share,
        place=stacked(value for name, value in given.items() if name != "doubt"),
        spot=spot,
        doubt=stacked([given.get("doubt", lambda z, y, x: 0 * (z + y + x))])[0],
    )


class Net:
    """Stands for the nets of a kind; `image` is what they were shown."""

    def __init__(self, shapes, given=None, spots=None, *, step_mm=4.0, classes=CHEST) -> None:
        self.shapes, self.given, self.spots, self.classes = shapes, given, spots, classes
        self.step_mm, self.weights = step_mm, ("0123456789abcdef",)

    def find(self, image: Cubes) -> Found:
        self.image = image
        return answer(image, self.shapes, self.given, self.spots, self.classes)


def ball(z, y, x, radius) -> Shape:
    return lambda at_z, at_y, at_x: (at_z - z) ** 2 + (at_y - y) ** 2 + (at_x - x) ** 2 <= radius**2


def rod(y, x, radius, low=-np.inf, high=np.inf) -> Shape:
    """A rod along z."""
    return lambda at_z, at_y, at_x: ((at_y - y) ** 2 + (at_x - x) ** 2 <= radius**2) & (at_z >= low) & (at_z <= high)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The makers of this file."""
    return SimpleNamespace(
        volume=volume,
        grid=grid,
        cubes=cubes,
        places=places,
        answer=answer,
        Net=Net,
        ball=ball,
        rod=rod,
        heart_classes=HEART,
    )
