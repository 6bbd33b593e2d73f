"""The installation on one page: peers that are asked, settings without secrets, the audit log for administrators."""

from __future__ import annotations

import pytest

from scp import metrics
from scp.web.overview import system_page
from storage.database import audit


@pytest.fixture
def node_with_peer(new_web):
    """An installation with a peer that nobody answers for, and one that only calls."""
    peers = {
        "PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": 1},
        "CT1": {"ae_title": "CT1", "host": "127.0.0.1"},
    }
    web = new_web(peers=peers, storage={"database_url": "postgresql+psycopg://coronode:hunter2pass@db/coronode"})
    web.node.answers["metrics"] = metrics.render()
    return web


def test_it_shows_peers_disk_and_associations(node_with_peer):
    page = node_with_peer.client.get("/system")
    assert page.status_code == 200
    for words in ("CT1", "PACS", "127.0.0.1:1", "GiB free", "Open now"):
        assert words in page.text


def test_settings_are_shown_without_secrets(node_with_peer):
    assert "hunter2pass" not in node_with_peer.client.get("/system").text
    assert "hunter2pass" not in node_with_peer.client.get("/system/settings.json").text


def test_a_peer_that_does_not_answer_is_told_with_the_reason(node_with_peer):
    part = node_with_peer.client.post("/system/echo/PACS", headers={"HX-Request": "true"})
    assert "does not answer" in part.text
    assert "<html" not in part.text
    assert "<html" in node_with_peer.client.post("/system/echo/PACS").text
    event = audit.list_events(node_with_peer.services.database, kind="echo")[0]
    assert (event.text, event.person) == ("PACS: no answer", "local")


def test_a_peer_that_answers(node_with_peer, monkeypatch):
    monkeypatch.setattr(system_page, "verify", lambda *_: None)
    assert "answers" in node_with_peer.client.post("/system/echo/PACS", headers={"HX-Request": "true"}).text


@pytest.mark.parametrize("name", ["CT1", "NOBODY"])
def test_who_cannot_be_called_is_not_asked(node_with_peer, name):
    assert node_with_peer.client.post(f"/system/echo/{name}").status_code == 404


def test_a_silent_node_is_told(node_with_peer):
    node_with_peer.node.answers.clear()
    assert "The node does not answer" in node_with_peer.client.get("/system").text


def test_the_audit_log_goes_back_page_by_page(web):
    database, now = web.services.database, web.services.clock()
    for number in range(150):
        audit.record(database, now, f"kind{number}", "<i>text</i>", person="meier")
    page = web.client.get("/system/audit?person=meier").text
    assert "kind149" in page
    assert "kind50" in page
    assert "kind49<" not in page
    assert "&lt;i&gt;text" in page
    assert "kind49" in web.client.get("/system/audit?person=meier&before=51").text
    assert "kind7<" not in web.client.get("/system/audit?kind=kind77").text
