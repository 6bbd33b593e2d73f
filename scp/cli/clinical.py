"""The options of `coronode score` that describe the patient."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, get_args

import click
from pydantic import Field, StrictBool, ValidationError

from config.errors import ConfigurationError
from config.risk import PopulationGroup
from config.section import Section
from config.settings import Settings

if TYPE_CHECKING:
    from scoring.risk.context import Context
    from scoring.risk.ten_year import Clinical

F = TypeVar("F", bound=Callable[..., object])

EPILOG = """
\b
FILE of --clinical, for the MESA 10-year risk, has all of these (mg/dL, mmHg):
  total_cholesterol = 190
  hdl_cholesterol = 50
  systolic_pressure = 130
  blood_pressure_medication = true
  lipid_medication = false
  diabetes = false
  smoker = false
  family_history = false
"""

# wide enough for any patient, but too narrow for values in mmol/L or kPa
_Total = Annotated[float, Field(ge=50, le=1000)]
_Hdl = Annotated[float, Field(ge=10, le=250)]
_Pressure = Annotated[float, Field(ge=50, le=300)]


class _Clinical(Section):
    """The contents of the --clinical file."""

    total_cholesterol: _Total
    hdl_cholesterol: _Hdl
    systolic_pressure: _Pressure
    blood_pressure_medication: StrictBool
    lipid_medication: StrictBool
    diabetes: StrictBool
    smoker: StrictBool
    family_history: StrictBool


def patient_options(function: F) -> F:
    """Add --age, --sex, --group and --clinical."""
    for option in (
        click.option(
            "--clinical",
            type=click.Path(path_type=Path, dir_okay=False),
            help="TOML file for the 10-year risk (below).",
        ),
        click.option(
            "--group",
            type=click.Choice(get_args(PopulationGroup)),
            help="Population group for the percentile; overrides header and configuration.",
        ),
        click.option("--sex", type=click.Choice(["female", "male"]), help="Overrides the header."),
        click.option("--age", type=click.IntRange(0, 120), help="Age in years at the scan; overrides the header."),
    ):
        function = option(function)
    return function


def read_context(
    settings: Settings,
    *,
    age: int | None,
    sex: str | None,
    group: str | None,
    clinical: Path | None,
    studies: int,
) -> Context:
    """Read the inputs of the risk tables that do not come from the images.

    Raises UsageError when values of one patient are given for several `studies`, ConfigurationError when the --clinical
    file or the site's own population cannot be used.
    """
    from scoring.result import Patient
    from scoring.risk import population
    from scoring.risk.context import Context

    population.load_configured(settings.risk)
    if studies > 1 and not (age is None and sex is None and clinical is None):
        raise click.UsageError(f"--age, --sex and --clinical describe one patient, but {studies} studies were found")
    return Context(
        settings=settings.risk,
        patient=Patient(
            age_years=None if age is None else float(age),
            sex="female" if sex == "female" else "male" if sex == "male" else None,
            group=next((known for known in get_args(PopulationGroup) if known == group), None),
            group_origin="" if group is None else "command line",
        ),
        clinical=None if clinical is None else _read(clinical),
    )


def _read(path: Path) -> Clinical:
    from scoring.risk.ten_year import Clinical

    try:
        values = _Clinical.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigurationError(f"--clinical {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"--clinical {path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"--clinical {path}: is not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"--clinical {path}: {'; '.join(_explain(error))}") from error
    return Clinical(**values.model_dump())


def _explain(error: ValidationError) -> list[str]:
    units = "mg/dL and mmHg"
    lines = []
    for item in error.errors():
        key = ".".join(map(str, item["loc"]))
        if item["type"] == "missing":
            lines.append(f"{key}: is missing; without every value there is no risk")
        elif item["type"] == "extra_forbidden":
            lines.append(f"{key}: unknown key; allowed: {', '.join(_Clinical.model_fields)}")
        else:
            message = item["msg"].removeprefix("Value error, ")
            lines.append(f"{key} = {item['input']!r}: {message[:1].lower()}{message[1:]} (units are {units})")
    return lines
