"""`coronode phantom`: a synthetic series with a known answer."""

from __future__ import annotations

import shutil
from pathlib import Path

import click
from click.core import ParameterSource

from config.errors import CoronodeError


@click.command(epilog="Examples: coronode phantom /tmp/phantom --seed 7; coronode phantom /tmp/many --population 100")
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=0, show_default=True, help="Another seed is another patient.")
@click.option("--noise", "noise_sd_hu", default=15.0, show_default=True, help="Standard deviation of the noise, HU.")
@click.option("--thickness", default=3.0, show_default=True, help="Slice thickness, mm.")
@click.option("--increment", default=None, type=float, help="Distance of the slices, mm  [default: the thickness]")
@click.option("--matrix", default=512, show_default=True, help="Rows and columns.")
@click.option("--no-calcium", is_flag=True, help="A patient without coronary calcium.")
@click.option("--no-distractors", is_flag=True, help="No calcified aortic wall.")
@click.option("--contrast", is_flag=True, help="Contrast agent in the blood: must not be scored.")
@click.option(
    "--population",
    type=click.IntRange(min=1),
    metavar="N",
    help="N random patients and scans, seeds from --seed on, in OUT/0000 and so on; of the other options only --matrix "
    "holds. Run again, it goes on where it was interrupted.",
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
    *,
    no_calcium: bool,
    no_distractors: bool,
    contrast: bool,
    population: int | None,
) -> None:
    """Write a synthetic chest CT: slices in OUT/dicom, their truth in OUT/truth.json."""
    from scoring.phantom import PhantomSpec, make_phantom, write_series

    if population is not None:
        given = [
            option
            for option in context.params
            if option not in ("out", "seed", "matrix", "population")
            and context.get_parameter_source(option) is ParameterSource.COMMANDLINE
        ]
        if given:
            raise click.UsageError(f"--population draws these itself, leave them out: {', '.join(sorted(given))}")
        chosen = context.get_parameter_source("matrix") is ParameterSource.COMMANDLINE
        _population(out, population, seed, matrix if chosen else None)
        return
    if out.exists() and any(out.iterdir()):
        raise CoronodeError(f"{out}: is not empty; give a new or an empty folder")
    try:
        spec = PhantomSpec(
            seed=seed,
            noise_sd_hu=noise_sd_hu,
            slice_thickness_mm=thickness,
            slice_increment_mm=increment or thickness,
            matrix=matrix,
            distractors=not no_distractors,
            contrast=contrast,
            calcifications=() if no_calcium else None,
        )
    except ValueError as error:
        raise CoronodeError(f"no such phantom: {error}") from error
    made = make_phantom(spec)
    paths = write_series(made, out)
    total = made.truth.agatston.total
    click.echo(f"{len(paths)} slices in {out / 'dicom'}, truth in {out / 'truth.json'}; Agatston {total:.1f}")


def _population(out: Path, count: int, first: int, matrix: int | None) -> None:
    """Write the patients of the seeds from `first` on; folders that are whole stay as they are."""
    from scoring.phantom import draw, make_phantom, write_series

    for number in range(count):
        folder, seed = out / f"{number:04d}", first + number
        total = _finished(folder, seed)
        if total is None:
            try:
                made = make_phantom(draw(seed, matrix))
            except ValueError as error:
                raise CoronodeError(f"no such phantom: {error}") from error
            shutil.rmtree(folder / "dicom", ignore_errors=True)
            write_series(made, folder)
            total = made.truth.agatston.total
        click.echo(f"{number + 1} of {count}: {folder}, seed {seed}, Agatston {total:.1f}")


def _finished(folder: Path, seed: int) -> float | None:
    """Agatston of the patient whose whole series lies in a folder, None where there is none yet."""
    from scoring.phantom import Truth

    try:
        truth = Truth.from_json((folder / "truth.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if truth.seed != seed:
        raise CoronodeError(f"{folder}: holds the patient of seed {truth.seed}, not {seed}; give another folder")
    return truth.agatston.total
