"""Run the command line in this process, as a shell would see it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from scoring.phantom import PhantomSpec, make_phantom, write_series
from scp.cli import main


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def coronode(tmp_path: Path, monkeypatch, capsys) -> Callable[..., Ended]:
    """Run `coronode ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["coronode", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def scan(tmp_path_factory) -> Path:
    """A phantom's series with truth.json, small enough to be quick."""
    folder = tmp_path_factory.mktemp("scan")
    spec = PhantomSpec(seed=1, matrix=256, distractors=("descending aorta wall", "aortic root", "mitral annulus"))
    write_series(make_phantom(spec), folder)
    return folder
