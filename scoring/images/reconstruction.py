"""Reconstruction according to the header: signs that images are sharper, smoother or of another energy.

The Standard leaves kernel names to the manufacturers. Those known here come from manuals, papers and public
collections of headers; unknown names are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

# values of Image Type: VMI by PS3.3 C.8.15.3.12; manufacturers write ME70KEV, MONO_E, MONOENERGETIC_70_KEV
_MONO_VALUE: Final = re.compile(r"VMI(\d.*)?|(VIRTUAL)?MONOE(NERG.*|\d.*)?|(VIRTUAL)?MONOCHROMATIC.*|.*\dKEV.*")
_MONO_WORDS: Final = re.compile(
    r"(?<![A-Z])(VMI|MONO[ _-]?E)(?![A-Z])|MONO[ _-]?ENERG|MONOCHROMATIC|\d[ _]?KEV(?![A-Z])"
)
_KEV: Final = re.compile(r"(\d+(?:\.\d+)?)[ _]?KEV")

# Siemens: two digits after one or two letters are the sharpness; "for higher sharpness ... B50s, B60s, B70s, B80s"
# (SOMATOM Sensation, operating instructions); so too where a second letter names the use, as in Br59 or Bl57
_SIEMENS: Final = re.compile(r"[BDHIJQSTU][A-Z]?(\d\d)(?!\d)")
_SHARP_FROM: Final = 50
# bone and lung kernels of Canon (Toshiba): FC30, FC35; FC50 to FC56; FC80 to FC86
_CANON: Final = re.compile(r"FC[358]\d(?!\d)")
_PHILIPS: Final = ("E", "L", "YA", "YB", "YC", "YD")
_SHARP_WORDS: Final = ("LUNG", "BONE", "EDGE", "SHARP", "DETAIL", "CHEST", "CHST")

# Siemens DirectDensity: CT numbers follow the electron (Sd) or mass density (Sm), at any tube voltage
_DENSITY_KERNEL: Final = re.compile(r"S[DM]\d\d(?!\d)")
_DENSITY_WORDS: Final = re.compile(r"DIRECT ?DENSITY")

# I and J: the iterative twins of the kernels B and H
_SIEMENS_ITERATIVE: Final = re.compile(r"[IJ]\d\d(?!\d)")
_ITERATIVE_NAMES: Final = re.compile(
    r"(?<![A-Z])(ASIR|TRUEFIDELITY|DLIR|VEO|AIDR|AICE|IDOSE|IMR|SAFIRE|ADMIRE|MBIR|ITERATIVE)(?![A-Z])"
)


def find_monoenergetic(image_type: Sequence[str], energy_kev: float | None, descriptions: Sequence[str]) -> str:
    """Find the sign of a virtual monoenergetic image: its energy, else the words in the header; "" without any.

    `energy_kev` is Monoenergetic Energy Equivalent (0018,937C), required for them (PS3.3 C.8.15.3.12).
    """
    if energy_kev is not None and energy_kev > 0:
        return f"{energy_kev:g} keV"
    marks = [value for value in image_type if _MONO_VALUE.fullmatch(re.sub(r"[^A-Z0-9]", "", value.upper()))]
    words = [text.upper() for text in descriptions if _MONO_WORDS.search(text.upper())]
    energies = [match for text in (*marks, *words) if (match := _KEV.search(text.upper()))]
    if energies:
        return f"{float(energies[0][1]):g} keV"
    # of free text, keep only the sign itself
    return next(iter([*marks, *(match[0] for text in words if (match := _MONO_WORDS.search(text)))]), "")


def find_iterative(kernel: str, manufacturer: str, algorithm: str, descriptions: Sequence[str]) -> Mapping[str, str]:
    r"""The sign of iterative, model-based or deep-learning reconstruction, as the values of a flag; empty without any.

    Siemens writes the strength as a second value of the kernel: I30f\3. `algorithm` is Reconstruction Algorithm
    (0018,9315): FILTER_BACK_PROJ or ITERATIVE (PS3.3, CT Reconstruction Macro).
    """
    first, *others = kernel.split("\\")
    if _is_from(manufacturer, "SIEMENS") and _SIEMENS.match(first.upper()):
        strength = next((value for value in others if value.isdecimal() and int(value) > 0), "")
        if strength or _SIEMENS_ITERATIVE.match(first.upper()):
            if strength:
                return {"variant": "strength", "kernel": first, "strength": strength}
            return {"variant": "kernel", "kernel": first}
    if "ITERATIVE" in algorithm.upper():
        return {"variant": "algorithm", "algorithm": algorithm}
    matches = (_ITERATIVE_NAMES.search(words.upper()) for words in (kernel, *descriptions))
    name = next((match[0] for match in matches if match), "")
    return {"variant": "name", "name": name} if name else {}


def find_density_kernel(kernel: str, manufacturer: str, descriptions: Sequence[str]) -> str:
    """The kernel's name, or the words in the header, when images show density instead of attenuation; else ""."""
    first = kernel.partition("\\")[0].strip()
    if _is_from(manufacturer, "SIEMENS") and _DENSITY_KERNEL.match(first.upper()):
        return first
    matches = (_DENSITY_WORDS.search(words.upper()) for words in (kernel, *descriptions))
    return next((match[0] for match in matches if match), "")


def find_sharp_kernel(kernel: str, manufacturer: str) -> str:
    """The kernel's name when it is known to be one for lung, bone or fine detail; else ""."""
    first = kernel.partition("\\")[0].strip()
    name = first.upper()
    graded = _SIEMENS.match(name) if _is_from(manufacturer, "SIEMENS") else None
    known = (
        any(word in name for word in _SHARP_WORDS)
        or (graded is not None and int(graded[1]) >= _SHARP_FROM)
        or (_is_from(manufacturer, "CANON", "TOSHIBA") and _CANON.match(name) is not None)
        or ("PHILIPS" in manufacturer.upper() and name in _PHILIPS)
    )
    return first if known else ""


def _is_from(manufacturer: str, *names: str) -> bool:
    """True if the manufacturer is one of `names`, or unknown, as after de-identification."""
    return not manufacturer or any(name in manufacturer.upper() for name in names)
