"""A node whose objects lie in a bucket: received, scored and delivered; the service may go away in the middle."""

from __future__ import annotations

import secrets

import pytest

from storage.series import states
from storage.series.states import State

pytestmark = pytest.mark.component


@pytest.fixture
def in_bucket(s3_service, configured):
    """Settings of a node with its objects in a bucket."""
    section = s3_service.settings(secrets.token_hex(8))

    def configure(**sections):
        return configured({}, storage=section, **({"completion": {"quiet_seconds": 0.5}} | sections))

    return configure


def test_a_series_is_scored_from_a_bucket(run_node, in_bucket, scanner_of, patient, eventually, state_of):
    images = patient()
    with run_node(in_bucket()) as node:
        with scanner_of(node).associated() as association:
            assert {association.store(image) for image in images} == {0}
        eventually("a score", lambda: state_of(node, images[0].SeriesInstanceUID) == State.SCORED)
        names = list(node.files.list_names())
        assert len(names) == len(images)
        assert not list(node.files.root.glob("incoming/*/[!.]*"))


def test_a_service_that_dies_in_the_middle_loses_nothing(
    run_node, in_bucket, scanner_of, patient, eventually, state_of, s3_service
):
    images = patient()
    uid, half = images[0].SeriesInstanceUID, len(images) // 2
    with run_node(in_bucket(completion={"quiet_seconds": 3})) as node:
        with scanner_of(node).associated() as association:
            assert {association.store(image) for image in images[:half]} == {0}
            s3_service.kill()
            try:
                assert association.store(images[half]) == 0xA700
            finally:
                s3_service.start()
            assert {association.store(image) for image in images[half:]} == {0}
        eventually("a score", lambda: state_of(node, uid) == State.SCORED)


def test_images_that_are_away_while_they_are_scored_are_waited_for(
    run_node, in_bucket, scanner_of, patient, eventually, state_of, s3_service
):
    images = patient()
    uid = images[0].SeriesInstanceUID
    with run_node(in_bucket()) as node:
        with scanner_of(node).associated() as association:
            assert {association.store(image) for image in images} == {0}
            for name in list(node.files.list_names()):
                node.files._cache.drop(name)  # as if another machine had received them
            s3_service.kill()
        try:
            eventually(
                "the reason of the wait", lambda: "does not answer" in states.get(node.database, uid).wait_reason
            )
            assert states.get(node.database, uid).state == State.SCORING
        finally:
            s3_service.start()
        eventually("a score", lambda: state_of(node, uid) == State.SCORED)


def test_a_node_starts_while_the_service_is_away(run_node, in_bucket, scanner_of, patient, s3_service):
    (image, *_) = patient()
    s3_service.kill()
    try:
        with run_node(in_bucket()) as node, scanner_of(node).associated() as association:
            assert association.store(image) == 0xA700
            s3_service.start()
            assert association.store(image) == 0
    finally:
        s3_service.kill()
        s3_service.start()
