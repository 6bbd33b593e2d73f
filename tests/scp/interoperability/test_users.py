"""Each peer uses the services of the node."""

from __future__ import annotations

import pytest

from storage.series.steps import StepState
from tests.scp.interoperability.peers import list_missing


def test_it_verifies_the_node(peer):
    peer.echo()


def test_it_stores(peer, site, new_study):
    study = new_study()
    peer.store(study.paths)
    assert site.count(study.series) == len(study.paths)


def test_it_finds(peer, held_study):
    assert peer.find(held_study.study) == {held_study.series}


@pytest.mark.parametrize("peer_name", ["DCMTK", "DCMJS", "PYNETDICOM", "DCMTK-TLS", "DCMJS-TLS"], indirect=True)
def test_it_gets(peer, held_study):
    peer.get(held_study.study)
    assert list_missing(peer, held_study.images) == []


def test_it_has_the_node_send_by_move(peer, held_study):
    peer.move(held_study.study)
    assert list_missing(peer, held_study.images) == []


@pytest.mark.parametrize("peer_name", ["ORTHANC", "DCMJS", "ORTHANC-TLS", "DCMJS-TLS"], indirect=True)
def test_it_asks_for_commitment(peer, held_study):
    peer.commit(held_study.images)


@pytest.mark.parametrize("peer_name", ["DCMJS", "DCMJS-TLS"], indirect=True)
def test_it_reports_a_procedure_step(peer, peer_name, site, new_study):
    study = new_study()
    peer.store(study.paths[1:])
    peer.report_step(study.images)
    (step,) = site.steps(study.series)
    assert (step.state, step.calling_ae) == (StepState.COMPLETED, site.peer(peer_name).ae_title)
