"""`coronode phantom`: a synthetic series with a known answer."""

from __future__ import annotations

from pathlib import Path

import click

from config.errors import CoronodeError


@click.command(epilog="Example: coronode phantom /tmp/phantom --seed 7 --noise 20")
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=0, show_default=True, help="Another seed is another patient.")
@click.option("--noise", "noise_sd_hu", default=15.0, show_default=True, help="Standard deviation of the noise, HU.")
@click.option("--thickness", default=3.0, show_default=True, help="Slice thickness, mm.")
@click.option("--increment", default=None, type=float, help="Distance of the slices, mm  [default: the thickness]")
@click.option("--matrix", default=512, show_default=True, help="Rows and columns.")
@click.option("--no-calcium", is_flag=True, help="A patient without coronary calcium.")
@click.option("--no-distractors", is_flag=True, help="No calcified aortic wall.")
@click.option("--contrast", is_flag=True, help="Contrast agent in the blood: must not be scored.")
def phantom(
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
) -> None:
    """Write a synthetic chest CT: slices in OUT/dicom, their truth in OUT/truth.json."""
    from scoring.phantom import PhantomSpec, make_phantom, write_series

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
