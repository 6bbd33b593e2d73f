"""Settings of pydicom that hold for a whole process, made once when it starts and never inside a request."""

from __future__ import annotations

import functools
import warnings

from pydicom import config


@functools.cache
def configure_process() -> None:
    """Have pydicom read what others wrote without judging the values, and without a word about them.

    De-identified and converted images often break the Standard in ways that do not touch the score, and a warning
    would repeat the value, a patient's name among them. Both settings belong to the process and have no counterpart
    that a thread could have for itself, so whatever starts one (a command, the node, the scoring process, a program
    that calls `scoring.engine.score`) calls this before it reads, and nothing takes it back. Later calls do nothing.

    What pydicom checks while it writes stays as it is.
    """
    config.settings.reading_validation_mode = config.IGNORE
    warnings.filterwarnings("ignore", category=UserWarning, module=r"(pydicom|highdicom)(\.|$)")
