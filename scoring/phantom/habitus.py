"""Body habitus of a patient: everything around the heart, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self, TypeVar

import numpy as np

from scoring.phantom.shapes import stream

T = TypeVar("T")
Table = Literal["none", "curved", "flat", "cushions"]
Filling = Literal["fluid", "food", "gas"]
Hernia = Literal["none", "soft", "fat", "gas"]


@dataclass(frozen=True, slots=True)
class Habitus:
    """Dimensions of a body; lengths in mm, pairs are (right, left), the defaults describe an average adult.

    Spine: `scoliosis`, `kyphosis` and `stoop` (forward lean of the upper part). Rib cage: exponents of its outline (2
    is an ellipse), where it begins to close and where the lungs end, `lean` of the front wall, `belly` (relative
    widening below the ribs). `leanness` is the share of the subcutaneous fat that is missing. Values for domes and
    organs are shifts from the usual position unless their names say otherwise.
    """

    scoliosis: float = 0.0
    scoliosis_phase: float = 0.0
    kyphosis: float = 0.0
    stoop: float = 0.0
    front_power: float = 2.5
    back_power: float = 2.5
    deepening: float = 0.0
    closing_z: float = 62.0
    closing_power: float = 2.2
    apex_z: float = 112.0
    lean: float = 0.06
    belly: float = 0.0
    neck_z: float = 140.0
    rib_step: float = 31.0
    rib_fall: float = 95.0
    rib_half_height: float = 6.2
    rib_half_depth: float = 3.7
    cartilage_turn: float = 2.3
    margin_z: float = -140.0
    sternum_width: float = 1.0
    sternum_low: float = -92.0
    sternum_top: float = 62.0
    blade: tuple[float, float, float] = (104.0, 98.0, 40.0)
    blade_turn: float = -0.5
    back_muscle: float = 16.0
    breast_muscle: float = 7.0
    side_muscle: float = 0.0
    leanness: float = 0.0
    back_fat: float = -0.25
    side_fat: float = 0.35
    belly_fat: float = 0.0
    breast: float = 0.0
    breast_x: float = 78.0
    breast_z: float = -50.0
    breast_size: float = 40.0
    gland: float = 0.0
    arms_raised: bool = True
    shoulder: tuple[float, float, float] = (152.0, 24.0, 108.0)
    shoulder_size: float = 42.0
    table: Table = "curved"
    table_gap: float = 0.0
    table_half_width: float = 200.0
    blanket: float = 0.0
    arch_z: float = 76.0
    branch_radius: float = 5.0
    oesophagus_air: bool = False
    airway_scale: float = 1.0
    airway_shift: tuple[float, float] = (0.0, 0.0)
    mediastinal_fat: float = 0.0
    core_width: float = 27.0
    fillet: float = 7.0
    wedge: float = 16.0
    sheet_x: float = 4.0
    strands: float = 3.0
    thymus: float = 0.0
    nodes: int = 0
    hilum: float = 0.0
    effusion: tuple[float, float] = (0.0, 0.0)
    effusion_level: float = 50.0
    consolidation: tuple[float, float] = (0.0, 0.0)
    pads: tuple[float, float] = (0.0, 0.0)
    domes: tuple[float, float] = (0.0, 0.0)
    steepness: float = 1.0
    liver_edge: float = 18.0
    liver_low: float = -190.0
    spleen_scale: float = 1.0
    stomach_scale: float = 1.0
    stomach: Filling = "gas"
    stomach_level: float = -8.0
    bowel: float = 1.1
    bowel_gas: float = 2.0
    colon: tuple[bool, bool] = (False, False)
    hernia: Hernia = "none"
    hernia_size: float = 0.0

    @classmethod
    def draw(cls, seed: int, variation: float = 0.0) -> Self:
        """Draw the habitus of a seed: the average adult at `variation` 0, the full range of adults at 1.

        The spread of the dimensions and the frequency of findings grow in proportion to `variation`.
        """
        if variation == 0:
            return cls()
        spine, cage, soft, setting, inside, belly = (
            _Chance(stream(seed, f"habitus {part}"), variation)
            for part in ("spine", "cage", "soft", "setting", "inside", "belly")
        )
        obese = soft.rng.random()
        has_breast = soft.happens(0.5)
        raised = not setting.happens(0.1)
        air = inside.happens(0.5)
        return cls(
            scoliosis=spine.normal(5.0, 10.0),
            scoliosis_phase=float(spine.rng.uniform(0, 2 * np.pi)),
            kyphosis=spine.about(0.0, -3.0, 14.0),
            stoop=spine.about(0.0, -0.12, 0.22),
            front_power=cage.about(2.5, 1.95, 3.2),
            back_power=cage.about(2.5, 2.0, 3.1),
            deepening=cage.about(0.0, -12.0, 10.0),
            closing_z=cage.about(62.0, -5.0, 58.0),
            closing_power=cage.about(2.2, 1.7, 2.8),
            apex_z=cage.about(112.0, 92.0, 126.0),
            lean=cage.about(0.06, 0.0, 0.2),
            belly=cage.about(0.0, -0.14, 0.14),
            neck_z=cage.about(140.0, 128.0, 160.0),
            rib_step=cage.about(31.0, 26.0, 34.0),
            rib_fall=cage.about(95.0, 60.0, 120.0),
            rib_half_height=cage.about(6.2, 5.0, 7.6),
            rib_half_depth=cage.about(3.7, 2.9, 4.6),
            cartilage_turn=cage.about(2.3, 2.1, 2.6),
            margin_z=cage.about(-140.0, -155.0, -95.0),
            sternum_width=cage.about(1.0, 0.78, 1.25),
            sternum_low=cage.about(-92.0, -128.0, -78.0),
            sternum_top=cage.about(62.0, 40.0, 74.0),
            blade=(cage.about(104, 84, 122), cage.about(98, 86, 104), cage.about(40, 8, 62)),
            blade_turn=cage.about(-0.5, -0.85, -0.1),
            back_muscle=soft.about(16.0, 9.0, 26.0),
            breast_muscle=soft.about(7.0, 0.0, 16.0),
            side_muscle=soft.about(0.0, -2.0, 16.0),
            leanness=variation * float(soft.rng.uniform(0, 0.9)) if obese < 0.4 else 0.0,
            back_fat=soft.about(-0.25, -0.35, 0.4),
            side_fat=soft.about(0.35, -0.3, 0.6),
            belly_fat=soft.about(0.0, 0.0, 26.0) * float(obese),
            breast=float(soft.rng.uniform(10, 48)) if has_breast else 0.0,
            breast_x=soft.about(78.0, 60.0, 98.0),
            breast_z=soft.about(-50.0, -78.0, -28.0),
            breast_size=soft.about(40.0, 28.0, 50.0),
            gland=float(soft.rng.uniform(-1.5, 1.5)) if has_breast else -9.0,
            arms_raised=raised,
            shoulder=(
                setting.about(152, 136, 168) + (0 if raised else 14),
                setting.about(24, -8, 40),
                setting.about(108, 84, 128) - (0 if raised else 18),
            ),
            shoulder_size=setting.about(42.0, 34.0, 54.0) + 10 * variation * float(obese) ** 2,
            table=setting.choice("curved", ("none", "curved", "flat", "cushions"), (0.3, 0.35, 0.15, 0.2)),
            table_gap=setting.about(0.0, 0.0, 14.0),
            table_half_width=setting.about(200.0, 165.0, 230.0),
            blanket=float(setting.rng.uniform(3, 25)) if setting.happens(0.3) else 0.0,
            arch_z=inside.about(76.0, 70.0, 98.0),
            branch_radius=inside.about(5.0, 3.8, 7.2),
            oesophagus_air=air,
            mediastinal_fat=inside.about(0.0, -0.5, 3.0) + 3 * variation * float(obese) ** 2,
            airway_scale=inside.about(1.0, 0.8, 1.22),
            airway_shift=(inside.about(0.0, -5.0, 5.0), inside.about(0.0, -4.0, 5.0)),
            core_width=inside.about(27.0, 18.0, 36.0),
            fillet=inside.about(7.0, 4.0, 13.0),
            wedge=inside.about(16.0, 3.0, 26.0),
            sheet_x=inside.about(4.0, -7.0, 15.0),
            strands=3.0 - variation * float(inside.rng.uniform(0.4, 2.0)) if inside.happens(0.5) else 3.0,
            thymus=float(inside.rng.uniform(6, 20)) if inside.happens(0.3) else 0.0,
            nodes=round(inside.about(0.0, 0.0, 9.0)),
            hilum=inside.about(0.0, 0.0, 13.0),
            effusion=inside.pair(0.06, 8.0, 45.0),
            effusion_level=float(inside.rng.uniform(20, 65)),
            consolidation=inside.pair(0.06, 10.0, 50.0),
            pads=inside.pair(0.7, 9.0, 28.0),
            domes=(belly.about(0.0, -30.0, 40.0), belly.about(0.0, -30.0, 40.0)),
            steepness=belly.about(1.0, 0.4, 1.6),
            liver_edge=belly.about(18.0, -10.0, 72.0),
            liver_low=belly.about(-190.0, -250.0, -150.0),
            spleen_scale=belly.about(1.0, 0.75, 1.5),
            stomach_scale=belly.about(1.0, 0.6, 1.5),
            stomach=belly.choice("gas", ("fluid", "food", "gas"), (0.3, 0.2, 0.5)),
            stomach_level=belly.about(-8.0, -45.0, 25.0),
            bowel=belly.about(1.1, 0.2, 1.2),
            bowel_gas=belly.about(2.0, 0.9, 2.2),
            colon=(belly.happens(0.06), belly.happens(0.2)),
            hernia=belly.choice("none", ("none", "soft", "fat", "gas"), (0.8, 0.06, 0.06, 0.08)),
            hernia_size=float(belly.rng.uniform(9, 28)),
        )


@dataclass(frozen=True, slots=True)
class _Chance:
    """Random draws for one part of the body, all narrowed by `variation`."""

    rng: np.random.Generator
    variation: float

    def about(self, usual: float, low: float, high: float) -> float:
        """Draw a value between `low` and `high` at variation 1, closer to the usual value below that."""
        return float(usual + self.variation * (self.rng.uniform(low, high) - usual))

    def normal(self, sd: float, most: float) -> float:
        """Draw a normal value around 0, at most `most` to either side."""
        return float(self.variation * np.clip(self.rng.normal(0, sd), -most, most))

    def happens(self, share: float) -> bool:
        """Return True in `share` of the patients at variation 1."""
        return bool(self.rng.random() < share * self.variation)

    def pair(self, share: float, low: float, high: float) -> tuple[float, float]:
        """Draw a size for each side that has the finding, otherwise 0."""
        present = [self.happens(share), self.happens(share)]
        sizes = self.rng.uniform(low, high, 2)
        return (float(sizes[0]) if present[0] else 0.0, float(sizes[1]) if present[1] else 0.0)

    def choice(self, usual: T, kinds: tuple[T, ...], shares: tuple[float, ...]) -> T:
        """Draw one of the kinds; at a smaller variation, more often the usual one."""
        kind = kinds[int(self.rng.choice(len(kinds), p=shares))]
        return kind if self.rng.random() < self.variation else usual


ORDINARY: Final = Habitus()
"""The average adult."""
