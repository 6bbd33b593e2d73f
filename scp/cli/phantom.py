"""`coronode phantom`: a synthetic series with a known answer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
from click.core import ParameterSource

from config.errors import CoronodeError
from scp.cli.command import Command
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from datetime import datetime

    from scoring.phantom import Calcification, DistractorKind, UnfitKind


@click.command(
    cls=Command,
    examples=(
        "coronode phantom /tmp/phantom --seed 7",
        "coronode phantom /tmp/next --seed 7 --date 2025-01-02 --calcium 1.2",
        "coronode phantom /tmp/many --population 100",
    ),
)
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=0, show_default=True, help="Another seed is another patient.")
@click.option("--noise", "noise_sd_hu", default=15.0, show_default=True, help="Standard deviation of the noise, HU.")
@click.option("--thickness", default=3.0, show_default=True, help="Slice thickness, mm.")
@click.option("--increment", default=None, type=float, help="Slice spacing, mm  [default: the thickness]")
@click.option("--matrix", default=512, show_default=True, help="Rows and columns.")
@click.option("--patient-id", default=None, help="Patient ID  [default: derived from the seed]")
@click.option("--patient-name", default="PHANTOM^CORONODE", show_default=True, help="Patient's Name, Family^Given.")
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d", "%Y%m%d"]),
    default="2024-01-02",
    show_default=True,
    help="Date of the scan; with a later date and --calcium: a patient's next scan.",
)
@click.option(
    "--calcium",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Factor on the volume of every coronary calcification.",
)
@click.option("--no-calcium", is_flag=True, help="A patient without coronary calcium.")
@click.option("--no-distractors", is_flag=True, help="No calcified aortic wall.")
@click.option(
    "--with",
    "kinds",
    multiple=True,
    metavar="KIND",
    help="Something bright that must not be counted, in place of the aortic wall: stent, lymph node, ...; repeatable.",
)
@click.option("--tilt", "gantry_tilt_deg", default=0.0, show_default=True, help="Tilt of the gantry, degrees.")
@click.option("--motion", "motion_mm", default=0.0, show_default=True, help="Motion of the arteries, mm; not gated.")
@click.option("--contrast", is_flag=True, help="Contrast agent in the blood: must not be scored.")
@click.option(
    "--unfit",
    metavar="KIND",
    help="A series that must not be scored: contrast, abdomen, localizer, ...; only --seed and "
    "--matrix may be combined with it.",
)
@click.option(
    "--population",
    type=click.IntRange(min=1),
    metavar="N",
    help="N random patients and scans, seeds from --seed on, in OUT/0000 and so on; only --matrix may "
    "be combined with it. If interrupted, run it again: it resumes where it stopped.",
)
@click.pass_context
def phantom(
    context: click.Context,
    out: Path,
    seed: int,
    noise_sd_hu: float,
    thickness: float,
    increment: float | None,
    matrix: int,
    patient_id: str | None,
    patient_name: str,
    date: datetime,
    calcium: float,
    *,
    no_calcium: bool,
    no_distractors: bool,
    contrast: bool,
    kinds: tuple[DistractorKind, ...],
    gantry_tilt_deg: float,
    motion_mm: float,
    unfit: str | None,
    population: int | None,
) -> None:
    """Write a synthetic chest CT: slices to OUT/dicom, the truth to OUT/truth.json."""
    from scoring.phantom import PhantomSpec, make_phantom, write_series

    chosen = matrix if context.get_parameter_source("matrix") is ParameterSource.COMMANDLINE else None
    if population is not None:
        _refuse_others(context, "population")
        _write_population(out, population, seed, chosen)
        return
    if out.exists() and any(out.iterdir()):
        raise CoronodeError(f"{out}: is not empty; give a new or an empty folder")
    if unfit is not None:
        _refuse_others(context, "unfit")
        _write_unfit(out, unfit, seed, chosen)
        return
    try:
        spec = PhantomSpec(
            seed=seed,
            noise_sd_hu=noise_sd_hu,
            slice_thickness_mm=thickness,
            slice_increment_mm=increment or thickness,
            matrix=matrix,
            distractors=kinds or not no_distractors,
            contrast=contrast,
            calcifications=() if no_calcium else None if calcium == 1 else _scale_calcifications(calcium),
            patient_id=patient_id,
            patient_name=patient_name,
            study_date=f"{date:%Y%m%d}",
            gantry_tilt_deg=gantry_tilt_deg,
            motion_mm=motion_mm,
            gated=motion_mm == 0,
        )
    except ValueError as error:
        raise CoronodeError(f"no such phantom: {error}") from error
    phantom_series = make_phantom(spec)
    paths = write_series(phantom_series, out)
    total = phantom_series.truth.agatston.total
    say(f"{len(paths)} slices in {out / 'dicom'}, truth in {out / 'truth.json'}; Agatston {total:.1f}")


def _scale_calcifications(factor: float) -> tuple[Calcification, ...]:
    """Scale the usual calcifications. Raises ValueError when one cannot be built."""
    from scoring.phantom.spec import DEFAULT_CALCIFICATIONS

    return tuple(lesion.scaled(factor) for lesion in DEFAULT_CALCIFICATIONS)


def _refuse_others(context: click.Context, option: str) -> None:
    """Refuse options whose values `option` draws itself (UsageError)."""
    given = [
        name
        for name in context.params
        if name not in ("out", "seed", "matrix", option)
        and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"--{option} cannot be combined with: {', '.join(sorted(given))}")


def _write_unfit(out: Path, kind: str, seed: int, matrix: int | None) -> None:
    """Write a series that must not be scored."""
    from scoring.phantom import draw_unfit

    try:
        paths = draw_unfit(cast("UnfitKind", kind), seed, matrix).write(out)
    except ValueError as error:
        raise CoronodeError(f"no such phantom: {error}") from error
    say(f"{len(paths)} images in {out / 'dicom'} that must not be scored: {kind}")


def _write_population(out: Path, count: int, first: int, matrix: int | None) -> None:
    """Write one patient for each seed from `first` on; complete folders are kept."""
    from scoring.phantom import draw, make_phantom, write_series

    for number in range(count):
        folder, seed = out / f"{number:04d}", first + number
        total = _read_finished(folder, seed)
        if total is None:
            try:
                phantom_series = make_phantom(draw(seed, matrix))
            except ValueError as error:
                raise CoronodeError(f"no such phantom: {error}") from error
            shutil.rmtree(folder / "dicom", ignore_errors=True)
            write_series(phantom_series, folder)
            total = phantom_series.truth.agatston.total
        say(f"{number + 1} of {count}: {folder}, seed {seed}, Agatston {total:.1f}")


def _read_finished(folder: Path, seed: int) -> float | None:
    """Read the Agatston score of the complete patient in a folder, None where there is none yet."""
    from scoring.phantom import Truth

    try:
        truth = Truth.from_json((folder / "truth.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if truth.seed != seed:
        raise CoronodeError(f"{folder}: contains the patient of seed {truth.seed}, not {seed}; give another folder")
    return truth.agatston.total
