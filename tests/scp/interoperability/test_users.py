"""Each peer uses the services of the node."""

from __future__ import annotations

from storage.series import states


def test_it_verifies_the_node(peer):
    peer.echo()


def test_it_stores(peer, site, new_study):
    study = new_study()
    peer.store(study.paths)
    assert states.get(site.node.database, study.series).instance_count == len(study.paths)


def test_it_finds(peer, held_study):
    assert peer.find(held_study.study) == {held_study.series}
