"""Process-wide settings of pydicom, made once when a process starts and never inside a request."""

from __future__ import annotations

import functools
import warnings

from pydicom import config


@functools.cache
def configure_process() -> None:
    """Make pydicom read other people's files without validating values and without warnings.

    De-identified and converted images often break the Standard in ways that do not affect the score, and a warning
    would repeat the value, possibly a patient's name. Both settings are process-wide and cannot be made for one
    thread, so every process (a command, the node, the scoring process, a program that calls
    `scoring.engine.score`) calls this before it reads, and nothing undoes it. Further calls have no effect.

    Validation on writing is unchanged.
    """
    config.settings.reading_validation_mode = config.IGNORE
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(pydicom|highdicom)(\.|$)")
