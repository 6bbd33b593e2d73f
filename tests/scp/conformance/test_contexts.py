"""What the statement says that the node proposes is what it proposes."""

from __future__ import annotations

from datetime import date

from config.errors import Transient
from config.settings import NodeSettings, PeerSettings
from scp.conformance.contexts import EARLIER_REPORTS
from scp.priors import retrieve
from storage.series.priors import Person


def test_earlier_reports_are_asked_for_as_told(monkeypatch):
    proposed = []

    def associate(node, peer, proposals, **others):
        proposed.extend(proposals)
        raise Transient("enough")

    monkeypatch.setattr(retrieve, "associate", associate)
    wanted = retrieve.Wanted(Person("1", "", "", ""), date(2026, 1, 1), "1.2", lambda _: False)
    retrieve.fetch(NodeSettings(), "PACS", PeerSettings(ae_title="PACS", host="h", port=1), wanted, seconds=1)
    assert proposed == list(EARLIER_REPORTS)
