"""A peer with users must call as one of them (PS3.7 D.3.3.7)."""

from __future__ import annotations

import pytest

from tests.scp.interoperability.conftest import USER
from tests.scp.interoperability.processes import run

pytestmark = pytest.mark.peer

REJECTED = {"what": "associationRejected", "result": 1, "source": 1, "reason": 1}


@pytest.fixture
def storescu(peer_program, site):
    """Send files as the guarded peer, with these options."""

    def send(paths, *options, code=0):
        titles = ("-aet", "GUARDED", "-aec", "CORONODE")
        return run(peer_program("storescu"), *titles, *options, "127.0.0.1", site.settings.node.port, *paths, code=code)

    return send


def test_dcmtk_names_a_user(storescu, site, new_study):
    study = new_study()
    name, passcode = USER
    storescu(study.paths, "-usr", name, "-pwd", passcode, "-rsp")
    assert site.count(study.series) == len(study.paths)


@pytest.mark.parametrize("options", [(), ("-usr", USER[0], "-pwd", "wrong"), ("-usr", "nobody", "-pwd", USER[1])])
def test_dcmtk_is_rejected_as_nobody(storescu, new_study, options):
    assert "Association Rejected" in storescu(new_study().paths, *options, code=1)


@pytest.mark.parametrize("peer_name", ["DCMJS", "DCMJS-TLS"], indirect=True)
def test_dcmjs_names_a_user(peer):
    asked = peer.ask("echo", calling="GUARDED", user=USER)
    assert asked.statuses == [0]
    assert asked.all("accepted") == [{"what": "accepted", "identity": True}]


@pytest.mark.parametrize("peer_name", ["DCMJS"], indirect=True)
def test_dcmjs_is_rejected_as_nobody(peer):
    assert peer.ask("echo", calling="GUARDED", user=("nobody", "wrong"), code=1).said == (REJECTED,)
