import subprocess
import sys
from pathlib import Path

import pytest

from scp import start


def test_the_packages_of_this_distribution_are_taken():
    assert start.find_shadowed() == []


@pytest.mark.parametrize("name", ["config", "storage"])
def test_a_foreign_package_of_the_same_name_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('must not be imported')")
    home = Path(start.__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(home)!r}]; from scp.start import main; main()"
    ended = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert f"{name} is {tmp_path}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
