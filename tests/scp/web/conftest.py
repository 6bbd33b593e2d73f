"""The application over an installation in which nothing runs, and one patient whose scan was scored."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydicom import DataElement, Dataset, dcmread
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR

from config.settings import Settings
from scoring import engine
from scoring.result import Score
from scp import metrics
from scp.web.accounts import cookies
from scp.web.accounts.secrets import derive, digest, make_token
from scp.web.app import create_app
from scp.web.link import NodeSilent
from scp.web.process import WebProcess
from scp.web.services import Services
from storage.accounts import accounts, sessions
from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import lifecycle

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class FakeNode:
    """A node in front of the web process; without `answers` it is silent."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {"metrics": b"of_the_node 1.0\n", "scorer": True}

    def ask(self, question: str) -> object:
        try:
            return self.answers[question]
        except KeyError:
            raise NodeSilent("the node has ended") from None


@dataclass
class Web:
    """The application and what it works on."""

    services: Services
    client: TestClient
    node: FakeNode

    def browser(self, host: str = "127.0.0.1", address: str = "127.0.0.1", *, secure: bool = False) -> TestClient:
        """Another browser, with cookies of its own, at an address, which calls the node by a name.

        Nobody has signed in; it has loaded a page, so that it knows the token of its forms.
        """
        client = TestClient(
            self.client.app,
            base_url=f"https://{host}:8443" if secure else f"http://{host}:8080",
            client=(address, 50000),
            follow_redirects=False,
        )
        return with_token(client, cookies.BROWSER, "the secret of a browser", secure=secure)

    def sign_in(self, *roles: str, name: str = "", address: str = "127.0.0.1", secure: bool = False) -> TestClient:
        """A browser in which somebody with these roles has signed in; the account is made if there is none yet."""
        database = self.services.database
        account = accounts.find(database, name or "-".join(roles)) or accounts.add(
            database, name or "-".join(roles), NOW, printed_name=f"Dr. {roles[0].title()}", roles=roles
        )
        token = make_token()
        sessions.begin(database, account.id, digest(token), self.services.clock(), NOW + timedelta(days=1))
        return with_token(self.browser(address=address, secure=secure), cookies.SESSION, token, secure=secure)


def with_token(client: TestClient, cookie: str, secret: str, *, secure: bool = False) -> TestClient:
    """Let a browser have a cookie, and send the token that the forms of its pages have."""
    client.cookies.set(f"__Host-{cookie}" if secure else cookie, secret)
    client.headers["X-CSRF-Token"] = derive(secret, "forms")
    return client


@pytest.fixture
def new_web(empty_index: Path, tmp_path: Path) -> Iterator[Callable[..., Web]]:
    """`new_web(web={...}, ...)`: the application over an empty installation; arguments are sections of the settings."""
    opened: list[Database] = []

    def make(**sections: object) -> Web:
        folder = tmp_path / "data"
        folder.mkdir(exist_ok=True)
        file = folder / "coronode.sqlite"
        if not file.exists():
            shutil.copy(empty_index, file)
        database = Database.open(f"sqlite:///{file}", durable=False)
        opened.append(database)
        node = {"data_dir": folder, "reserve_mb": 0} | dict(sections.pop("node", {}))
        settings = Settings(node=node, **sections)
        front = FakeNode()
        services = Services(settings, database, Files(folder / "objects", durable=False), lambda: NOW, front)
        made = Web(services, TestClient(create_app(services)), front)
        made.client = made.browser()
        return made

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def web(new_web: Callable[..., Web]) -> Web:
    """The application over an empty installation, in a browser at the machine itself."""
    return new_web()


@dataclass(frozen=True)
class ScoredScan:
    """A small synthetic patient on the disk, and its automatic score."""

    folder: Path
    score: Score


@pytest.fixture(scope="session")
def scan(small_series: tuple[Dataset, ...], tmp_path_factory: pytest.TempPathFactory) -> ScoredScan:
    """29 slices with calcium in all four arteries, scored once for all tests."""
    folder = tmp_path_factory.mktemp("scan")
    for number, slice_ in enumerate(small_series):
        slice_.save_as(folder / f"{number:04}.dcm")
    score = engine.score([folder])
    assert score.status == "scored"
    return ScoredScan(folder, score)


@pytest.fixture
def receive_scan(scan: ScoredScan) -> Callable[[Services], str]:
    """`receive_scan(services)` stores the scan and its score as the node would, and returns its Series Instance UID.

    `receive_scan(services, PatientName="A^B")` indexes other values than those of the files.
    """

    def receive(services: Services, **attributes: str) -> str:
        database, files = services.database, services.files
        for path in sorted(scan.folder.glob("*.dcm")):
            dataset = dcmread(path, stop_before_pixels=True)
            for keyword, value in attributes.items():
                dataset.add(DataElement(keyword, dictionary_VR(keyword), value, validation_mode=IGNORE))
            header = InstanceHeader.from_dataset(dataset, str(dataset.file_meta.TransferSyntaxUID))
            with files.incoming(header.transfer_syntax_uid) as incoming:
                incoming.write(path.read_bytes())
                stored = incoming.commit(header.file_name(incoming.sha256))
            register(database, files, header, stored, now=NOW)
        series = scan.score.series.series_instance_uid
        version = lifecycle.complete(database, series, NOW, expected=scan.score.series.slices)
        assert version == 1
        assert lifecycle.start_scoring(database, series, 1, NOW)
        lifecycle.finish(database, series, 1, scan.score.to_json(), "scored", now=NOW)
        return series

    return receive


@contextmanager
def _serve_pages(settings: Settings) -> Iterator[None]:
    process = WebProcess(settings, {"metrics": metrics.render, "scorer": lambda: True})
    process.start()
    try:
        yield
    finally:
        process.stop()


@pytest.fixture(scope="session")
def serving() -> Callable[[Settings], AbstractContextManager[None]]:
    """`with serving(settings):` the web process, as a node that can score starts it."""
    return _serve_pages


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])
