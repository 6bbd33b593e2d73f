"""The list of what an installation contains."""

import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def licences():
    return runpy.run_path(str(ROOT / "deploy/licences.py"))


@pytest.fixture(scope="module")
def lock():
    return tomllib.loads((ROOT / "uv.lock").read_text())


@pytest.fixture(scope="module")
def listed():
    rows = [
        line.split(" | ") for line in (ROOT / "docs/licences.md").read_text().splitlines() if line.startswith("| [")
    ]
    return {row[0].partition("[")[2].partition("]")[0]: row[1] for row in rows}


def test_what_the_node_needs_is_listed(lock, listed):
    ours = next(package for package in lock["package"] if package["name"] == "coronode")
    extras = [part for parts in ours["optional-dependencies"].values() for part in parts]
    direct = {item["name"] for item in (*ours["dependencies"], *extras) if "marker" not in item}
    assert direct <= set(listed)


def test_the_list_is_that_of_the_lock_file(licences, lock, listed):
    """But for packages that another version of Python needs."""
    found = set(licences["list_packages"](lock))
    names = {package["name"] for package in lock["package"]}
    assert set(listed) <= names
    assert {name for name in set(listed) ^ found if not _depends_on_version(lock, name)} == set()


def _depends_on_version(lock, name):
    """Whether every mention of a package has a marker."""
    mentions = [item for package in lock["package"] for item in package.get("dependencies", []) if item["name"] == name]
    return all("marker" in item for item in mentions)


def test_no_package_forbids_what_the_licence_of_this_one_allows(listed):
    """LGPL of the driver for PostgreSQL: it is used as it comes, and only where the extra asks for it."""
    strict = {name for name, licence in listed.items() if "GPL" in licence}
    assert strict <= {"psycopg", "psycopg-binary"}
    assert [name for name, licence in listed.items() if licence == "see the package"] == []
