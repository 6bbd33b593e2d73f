"""Requestors that send garbage, vanish in the middle, or name a destination that says nothing."""

import random
from contextlib import suppress

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from dicom.sop_classes import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from scp.network import requests, retrieval
from scp.network.command import SubOperations
from scp.network.errors import AssociationEnded, Closed
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

pytestmark = pytest.mark.component

EXPLICIT = str(ExplicitVRLittleEndian)
STUDY = "1.2.826.0.1.1"
IDENTIFIER = b"\x08\x00\x52\x00CS\x06\x00STUDY \x20\x00\x0d\x00UI\x0e\x00" + STUDY.encode() + b"\x00" * (len(STUDY) % 2)


@pytest.fixture
def associate(site):
    opened = []

    def open_one(*contexts):
        opening = Opening("CALLER", "CORONODE", "127.0.0.1", site.port, 30, 30, 30, 16384)
        opened.append(Requestor(opening, contexts))
        return opened[-1]

    yield open_one
    for each in opened:
        each.abort()


def context_of(association, model):
    return next(context for context in association.accepted_contexts if context.abstract_syntax == model)


def test_garbage_in_place_of_an_identifier_is_answered(site, filled, associate):
    association = associate(
        PresentationContext(STUDY_ROOT_MOVE, (EXPLICIT,)), PresentationContext(STUDY_ROOT_GET, (EXPLICIT,))
    )
    rng = random.Random(14)  # noqa: S311
    for turn in range(60):
        garbage = bytearray(IDENTIFIER)
        for _ in range(rng.randint(1, 6)):
            garbage[rng.randrange(len(garbage))] = rng.randrange(256)
        del garbage[rng.randint(4, len(garbage)) :]
        if turn % 2:
            context = context_of(association, STUDY_ROOT_GET)
            *_, last = retrieval.get(association, context, bytes(garbage), lambda _: 0)
        else:
            context = context_of(association, STUDY_ROOT_MOVE)
            *_, last = retrieval.move(association, context, bytes(garbage), "STRANGER")
        assert last.status in (0x0000, 0xA900, 0xA801, 0xA702), garbage
    association.release()


def test_a_cancelled_move_says_what_is_left(filled, associate, archive):
    association = associate(PresentationContext(STUDY_ROOT_MOVE, (EXPLICIT,)))
    (context,) = association.accepted_contexts
    cancel = requests.encode_cancel(1)
    archive.on_store = lambda _: association._exchange.send_message(context.context_id, cancel)
    archive.start()
    *_, last = retrieval.move(association, context, IDENTIFIER, "DEST")
    assert (last.status, last.sub_operations) == (0xFE00, SubOperations(3, 1, 0, 0))
    assert len(archive.requests) == 1
    association.release()


def test_a_requestor_that_vanishes_ends_its_retrieval(site, filled, associate, archive, eventually):
    archive.start()
    association = associate(PresentationContext(STUDY_ROOT_MOVE, (EXPLICIT,)))
    archive.on_store = lambda _: association.abort()
    with suppress(AssociationEnded):
        list(retrieval.move(association, context_of(association, STUDY_ROOT_MOVE), IDENTIFIER, "DEST"))
    eventually("the association with the destination to end", lambda: archive._open == 0 and archive.associations == 1)
    eventually("the node to forget the requestor", lambda: not site.server._listener.acceptors)


def test_a_requestor_that_aborts_a_get_ends_it(site, filled, associate, eventually):
    association = associate(
        PresentationContext(STUDY_ROOT_GET, (EXPLICIT,)), PresentationContext(CTImageStorage, (EXPLICIT,), as_scp=True)
    )

    def take(_):
        association.abort()
        raise Closed("aborted")

    with pytest.raises(Closed):
        list(retrieval.get(association, context_of(association, STUDY_ROOT_GET), IDENTIFIER, take))
    eventually("the node to forget the requestor", lambda: not site.server._listener.acceptors)


def test_a_get_and_the_other_requests_on_one_association(site, filled, associate):
    """An association that has been used for a retrieval can be used for the next."""
    association = associate(
        PresentationContext(STUDY_ROOT_GET, (EXPLICIT,)), PresentationContext(CTImageStorage, (EXPLICIT,), as_scp=True)
    )
    for _ in range(3):
        came = []

        def take(message, came=came):
            came.append(message.command.sop_instance_uid)
            association.messages.drop()
            return 0

        *_, last = retrieval.get(association, context_of(association, STUDY_ROOT_GET), IDENTIFIER, take)
        assert (last.status, len(came)) == (0, 4)
    association.release()


class TestSilentDestination:
    @pytest.fixture
    def peers(self, mute):
        return {"ARCHIVE": {"ae_title": "DEST", "host": "127.0.0.1", "port": mute.port}}

    @pytest.fixture
    def node_settings(self):
        return {"acse_timeout": 1}

    @pytest.mark.usefixtures("filled")
    def test_it_is_given_up_in_time(self, move, mute):
        ended = move(STUDY_ROOT_MOVE, "STUDY", StudyInstanceUID=STUDY)
        assert (ended.final.Status, ended.counts) == (0xA702, (None, 0, 4, 0))
        assert mute.calls == 1
