"""What a long-running process has loaded stays until its end: the garbage collector need not look at it again."""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 10_000
"""Objects made before the collector looks at them: receiving an image makes some hundreds, which go by themselves."""


def freeze() -> None:
    """Leave all that exists now out of further collections; to be called once a process is ready to serve.

    Hundreds of thousands of objects belong to what was imported. Looking at them again and again takes a tenth of the
    processor time of an image that is received.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
