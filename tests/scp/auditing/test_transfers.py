"""Retrievals that end early, and the audit log: what begins is there before it leaves, what left is there after all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.settings import Settings
from dicom.sop_classes import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from scp.installation import Installation
from scp.network import requests, retrieval
from scp.network.errors import AssociationEnded, Closed
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.receivers.reception import Reception
from scp.reception import server
from storage.auditing import statements
from storage.auditing.statements import CANCELLED, INTERRUPTED, Retrieved, Retrieving
from storage.database import audit
from storage.database.engine import Database
from storage.objects.files import Files
from tests.scp.auditing.test_peers import make_slice, store
from tests.scp.conftest import Pacs

pytestmark = pytest.mark.component

EXPLICIT = str(ExplicitVRLittleEndian)
STUDY = "1.2.826.0.1.1"
IDENTIFIER = b"\x08\x00\x52\x00CS\x06\x00STUDY \x20\x00\x0d\x00UI\x0e\x00" + STUDY.encode() + b"\0" * (len(STUDY) % 2)
WANTED = Retrieving("C-GET", STUDY, (f"{STUDY}.1", f"{STUDY}.2"), {CTImageStorage: 4}, host="127.0.0.1")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> Iterator[Database]:
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'i.db'}"
    opened = Database.open(url, durable=False)
    opened.migrate()
    yield opened
    opened.close()


only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def pacs() -> Iterator[Pacs]:
    """A destination that takes CT images; it is not started."""
    made = Pacs()
    made.classes = [CTImageStorage]
    yield made
    made.stop()


@pytest.fixture
def serve(database, tmp_path, pacs) -> Callable[[], AbstractContextManager[Reception]]:
    """`with serve() as reception:` the services for peers, with four images of one study in two series."""

    @contextmanager
    def run(**sections: object) -> Iterator[Reception]:
        node = {"port": 0, "data_dir": tmp_path / "data", "reserve_mb": 0}
        peers = {
            "VIEWER": {"ae_title": "VIEWER", "host": "127.0.0.1"},
            "PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": pacs.port},
        }
        settings = Settings(node=node, peers=peers, **sections)
        installation = Installation(settings, database, Files(tmp_path / "objects", durable=False))
        reception = Reception(installation, received=lambda *_: None, announced=lambda _: None)
        reception.server.start()
        try:
            store(reception.server.port, *(make_slice(number) for number in (1, 2, 3)), make_slice(1, series=2))
            yield reception
        finally:
            reception.server.stop()
            reception.close()

    return run


@pytest.fixture
def list_statements(database) -> Callable[[], list[statements.Statement | None]]:
    """`list_statements()`: what the audit log says of retrievals, in its order."""

    def read() -> list[statements.Statement | None]:
        kinds = statements.PEER_RETRIEVING, statements.PEER_RETRIEVED
        events = [event for event in reversed(audit.list_events(database)) if event.kind in kinds]
        return [statements.read(event.kind, event.text) for event in events]

    return read


@contextmanager
def associate(reception: Reception) -> Iterator[Requestor]:
    """An association of VIEWER for C-GET of CT images, and for C-MOVE."""
    opening = Opening("VIEWER", "CORONODE", "127.0.0.1", reception.server.port, 30, 30, 30, 16384)
    contexts = [
        PresentationContext(STUDY_ROOT_GET, (EXPLICIT,)),
        PresentationContext(STUDY_ROOT_MOVE, (EXPLICIT,)),
        PresentationContext(CTImageStorage, (EXPLICIT,), as_scp=True),
    ]
    association = Requestor(opening, contexts)
    try:
        yield association
    finally:
        association.abort()


def find_context(association: Requestor, model: str):
    return next(context for context in association.accepted_contexts if context.abstract_syntax == model)


def get(association: Requestor, take) -> None:
    list(retrieval.get(association, find_context(association, STUDY_ROOT_GET), IDENTIFIER, take))


def move(association: Requestor) -> list[int]:
    context = find_context(association, STUDY_ROOT_MOVE)
    return [answer.status for answer in retrieval.move(association, context, IDENTIFIER, "PACS")]


def test_what_begins_is_in_the_log_before_the_first_object_leaves(serve, list_statements):
    seen = []
    with serve() as reception, associate(reception) as association:

        def take(_):
            seen.append(list_statements())
            association.messages.drop()
            return 0

        get(association, take)
    assert seen == [[WANTED]] * 4
    assert list_statements() == [
        WANTED,
        Retrieved("C-GET", STUDY, WANTED.series, {CTImageStorage: 4}, host="127.0.0.1"),
    ]


def test_a_requestor_that_vanishes_leaves_what_it_got_and_what_it_may_have_got(serve, list_statements):
    came = []
    with serve() as reception, associate(reception) as association:

        def take(_):
            came.append(1)
            if len(came) == 3:
                association.abort()
                raise Closed("aborted")
            association.messages.drop()
            return 0

        with pytest.raises(Closed):
            get(association, take)
    begun, ended = list_statements()
    assert begun == WANTED
    assert ended == Retrieved(
        "C-GET", STUDY, WANTED.series, {CTImageStorage: 2}, host="127.0.0.1", unsure=1, end=INTERRUPTED, left=1
    )


def test_a_requestor_that_vanishes_during_the_first_object_leaves_that_it_may_have_it(serve, list_statements):
    with serve() as reception, associate(reception) as association:

        def take(_):
            association.abort()
            raise Closed("aborted")

        with pytest.raises(Closed):
            get(association, take)
    _, ended = list_statements()
    assert (ended.classes, ended.unsure, ended.left, ended.end) == ({}, 1, 3, INTERRUPTED)


@only_sqlite
def test_a_cancelled_retrieval_leaves_what_was_sent_before(serve, list_statements, pacs):
    with serve() as reception, associate(reception) as association:
        context = find_context(association, STUDY_ROOT_MOVE)
        cancel = requests.encode_cancel(1)
        pacs.start()
        answers = retrieval.move(association, context, IDENTIFIER, "PACS")
        next(answers)
        association._exchange.send_message(context.context_id, cancel)
        last = [answer.status for answer in answers][-1]
        sent = len(pacs.received)
    _, ended = list_statements()
    assert sum(ended.classes.values()) == sent
    assert (ended.left, ended.end) == ((4 - sent, CANCELLED) if sent < 4 else (0, ""))
    assert last == (0xFE00 if sent < 4 else 0)


@only_sqlite
def test_a_destination_that_is_lost_may_have_what_was_on_its_way(serve, list_statements, pacs):
    pacs.answers.extend([0, "abort"])
    pacs.start()
    with serve() as reception, associate(reception) as association:
        assert move(association)[-1] == 0xB000
    begun, ended = list_statements()
    assert (begun.operation, begun.to) == ("C-MOVE", "PACS")
    assert (ended.classes, ended.unsent, ended.unsure, ended.left) == ({CTImageStorage: 3}, 0, 1, 0)
    assert not ended.is_whole


@only_sqlite
def test_a_destination_that_is_down_gets_nothing(serve, list_statements):
    with serve() as reception, associate(reception) as association:
        assert move(association)[-1] == 0xA702
    _, ended = list_statements()
    assert (ended.classes, ended.unsent, ended.unsure, ended.end) == ({}, 4, 0, "")


@pytest.mark.parametrize("awaited", [True, False])
def test_a_node_that_stops_tells_what_left_it(serve, list_statements, monkeypatch, awaited):
    """Also of a retrieval whose thread it does not wait for any longer."""
    monkeypatch.setattr(server, "_STOP_SECONDS", 30.0 if awaited else 0.0)
    holds, stopped = threading.Event(), threading.Event()
    came = []
    with ThreadPoolExecutor(1) as pool:
        with serve() as reception, associate(reception) as association:

            def take(_):
                came.append(1)
                if len(came) == 2:
                    holds.set()
                    stopped.wait(60)
                association.messages.drop()
                return 0

            def ask():
                with suppress(AssociationEnded):
                    get(association, take)

            asked = pool.submit(ask)
            assert holds.wait(60)
            reception.server.stop()
            reception.close()
            told = list_statements()
            stopped.set()
            asked.result(60)
        assert list_statements() == told
    begun, ended = told
    assert begun == WANTED
    assert (ended.classes, ended.end) == ({CTImageStorage: 1}, INTERRUPTED)
    assert ended.unsure + ended.left == 3


@only_sqlite
def test_a_log_that_cannot_be_written_keeps_no_peer_from_its_images(serve, list_statements, database):
    came = []
    with serve() as reception, associate(reception) as association:

        def take(_):
            came.append(1)
            association.messages.drop()
            return 0

        with database.session():  # a writer that does not end
            get(association, take)
    assert len(came) == 4
    assert [type(each) for each in list_statements()] == [Retrieving, Retrieved]


@only_sqlite
def test_nothing_is_recorded_where_that_is_not_wanted(serve, list_statements):
    with serve(audit={"peers": False}) as reception, associate(reception) as association:

        def take(_):
            association.messages.drop()
            return 0

        get(association, take)
    assert list_statements() == []
