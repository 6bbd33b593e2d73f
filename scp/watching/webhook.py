"""A call of the configured webhook: connection and credentials are those of the other web services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from config.settings import PeerSettings, Settings
from scp.scu.web_service import judge_code, judged, open_client

_SECONDS: Final = 10.0
_FIRST_FAILURE: Final = 300


def call_webhook(settings: Settings, body: Mapping[str, Any]) -> None:
    """Send a JSON body to `alerts.webhook`.

    Raises Transient or Permanent with the reason when it is not taken: nobody answers, or not with success.
    """
    address = settings.alerts.webhook or ""
    service = {"url": address.partition("?")[0], "token_file": settings.alerts.token_file, "ca": settings.alerts.ca}
    peer = PeerSettings.model_validate(service)
    with open_client(settings.node, peer) as client, judged(peer):
        code = client.post(address, json=dict(body), timeout=_SECONDS).status_code
    if code >= _FIRST_FAILURE:
        raise judge_code(peer, code)
