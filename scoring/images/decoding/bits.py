"""From samples to stored values: the bits of a sample that hold the value, and what else may stand in it.

Overlay planes once lay in the unused bits of the pixels (retired; PS3.5 8.1.2), and archives compress them along.
Bits beyond Bits Stored can also mean that Bits Stored is wrong: then nothing says what the value is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy import ndimage

from dicom import elements
from dicom.text import read_text

_OVERLAYS: Final = range(0x6000, 0x6020, 2)
_SMOOTH: Final = 8
"""Neighbours that differ by less than this fraction of the range of stored values continue each other."""

_ODD_SHARE: Final = 0.25
"""Share of the pairs along the rim of an overlay that may cross a real edge, such as the skin."""


@dataclass(frozen=True, slots=True)
class SampleBits:
    """The layout of a sample (PS3.5 8.1.1): `stored` bits end at bit `high` of `allocated`.

    `overlays` has a bit set for each that the header assigns to an overlay plane (60xx,0102).
    """

    allocated: int
    stored: int
    high: int
    signed: bool
    overlays: int

    def to_whole(self, samples: NDArray[Any], precision: int) -> NDArray[np.int32]:
        """Return the samples with all `precision` bits that were coded, as the numbers that they would be."""
        return _to_numbers(samples.astype(np.int64), precision, signed=self.signed)

    def to_values(
        self, samples: NDArray[Any], precision: int, padding: NDArray[np.bool_] | None = None
    ) -> NDArray[np.int32]:
        """Return the stored values of an image.

        Args:
            samples: decoded samples (rows, columns).
            precision: bits of a sample that were coded; what a decoder adds to them says nothing.
            padding: where the image has padding, which may lie outside the range of values.

        Raises UnexplainedBitsError when bits outside the value belong to it.
        """
        if precision <= self.stored:
            return self.to_whole(samples, precision)
        raw = samples.astype(np.int64) & _ones(precision)
        shift = self._find_shift(raw, precision)
        value = _to_numbers(raw >> shift, self.stored, signed=self.signed)
        unused = _ones(precision) & ~_ones(shift + self.stored) & ~self.overlays
        if np.any(raw & unused):
            self._check_unused(raw & unused, value, unused, padding)
        return value

    def _find_shift(self, raw: NDArray[np.int64], precision: int) -> int:
        """Return the lowest bit of the value: High Bit decides, unless bits below it are used and none above the value.

        Some write High Bit 15 and leave the value in the low bits.
        """
        shift = self.high + 1 - self.stored
        below = _ones(shift) & ~self.overlays
        if not np.any(raw & below):
            return shift
        low = _to_numbers(raw, self.stored, signed=self.signed)
        if np.any(raw >> self.stored) and np.any(low & _ones(precision) != raw):
            raise UnexplainedBitsError(self)
        return 0

    def _check_unused(
        self, rest: NDArray[np.int64], value: NDArray[np.int32], unused: int, padding: NDArray[np.bool_] | None
    ) -> None:
        """Raise UnexplainedBitsError unless the unused bits, `rest`, extend the sign or are drawn over the image."""
        negative = value < 0
        wrong = rest != np.where(negative, unused, 0)
        if padding is not None:
            wrong &= ~padding
        if not wrong.any():
            return
        if self.signed:
            # a writer that extends the sign of one value extends that of all
            extends = bool(np.any(negative & (rest == unused)))
            mixed = extends and bool(np.any(wrong & negative & (rest == 0)))
            below = bool(np.any(wrong & ~negative & (rest == unused))) and unused & (unused - 1) != 0
            if mixed or below:
                raise UnexplainedBitsError(self)
        if _continue_elsewhere(rest, value, wrong, (1 << self.stored) // _SMOOTH):
            raise UnexplainedBitsError(self)


class UnexplainedBitsError(ValueError):
    """The samples use bits that their layout, `bits`, neither counts as the value nor explains otherwise."""

    def __init__(self, bits: SampleBits) -> None:
        super().__init__(bits)
        self.bits = bits


def read_sample_bits(header: Dataset) -> SampleBits:
    """Read the layout of the samples. Raises ValueError when bits or Pixel Representation are missing or impossible."""
    allocated, stored = (int(elements.number(header, name) or 0) for name in ("BitsAllocated", "BitsStored"))
    if allocated not in (8, 16, 32) or not 0 < stored <= allocated:
        raise ValueError(f"Bits Allocated {allocated}, Bits Stored {stored}")
    sign = elements.number(header, "PixelRepresentation")
    if sign not in (0, 1):
        raise ValueError("Pixel Representation is neither 0 nor 1")
    high = elements.number(header, "HighBit")
    known = high is not None and stored - 1 <= high < allocated
    return SampleBits(
        allocated=allocated,
        stored=stored,
        high=int(high) if known and high is not None else stored - 1,
        signed=sign == 1,
        overlays=_read_overlays(header, allocated),
    )


def _read_overlays(header: Dataset, allocated: int) -> int:
    """Return the bits of a sample in which the header says that overlays lie (retired; PS3.3-2004 C.9.2)."""
    planes = 0
    for group in _OVERLAYS:
        within, position = (read_text(header, group << 16 | element, "US") for element in (0x0100, 0x0102))
        if within.isdecimal() and int(within) > 1 and position.isdecimal() and int(position) < allocated:
            planes |= 1 << int(position)
    return planes


def _ones(count: int) -> int:
    return (1 << count) - 1


def _to_numbers(raw: NDArray[np.int64], bits: int, *, signed: bool) -> NDArray[np.int32]:
    """Return the low `bits` of each sample as a number, in two's complement where signed."""
    low = raw & _ones(bits)
    if signed:
        sign = 1 << (bits - 1)
        low = (low ^ sign) - sign
    return low.astype(np.int32)


def _continue_elsewhere(
    rest: NDArray[np.int64], value: NDArray[np.int32], wrong: NDArray[np.bool_], smooth: int
) -> bool:
    """Return whether some area of other unused bits does not continue its surroundings once they are removed.

    An overlay does: the values below it are those of the tissue. Values that exceed their bits wrap around instead.
    """
    areas, count = ndimage.label(wrong, np.ones((3, 3)))
    pairs, odd = np.zeros(count + 1), np.zeros(count + 1)
    for one, other in ((np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])):
        rim = rest[one] != rest[other]
        jump = np.abs(value[one] - value[other])[rim] > smooth
        # the area on either side; where both have one, it is the same
        area = np.maximum(areas[one], areas[other])[rim]
        pairs += np.bincount(area, minlength=count + 1)
        odd += np.bincount(area, weights=jump, minlength=count + 1)
    return bool(np.any(odd[1:] > _ODD_SHARE * pairs[1:]))
