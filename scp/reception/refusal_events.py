"""Refused peers as events of the audit log (PS3.15 A.5.3.11): one for an address and a reason, its repeats counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from scp.outside_text import escape
from scp.peer_events import PeerEvent
from storage.auditing import statements
from storage.auditing.statements import Refused

REASONS: Final = statements.LIMITS | {"unknown", "unsecured", "user", "stranger", "tls"}
"""Reasons of refusal that are a matter of security, as the metric names them: a full disk is none."""
_OTHERS: Final = "more addresses than are told apart; see the log"


def make_refusal(why: str, host: str, words: str, *, calling_ae: str = "", diagnostic: int = 0) -> PeerEvent:
    """Make the event of a refused peer.

    `words` say why, `calling_ae` is what it called itself. Refusals of another `diagnostic` (PS3.8 table 9-21) are no
    repeats.
    """
    refused = Refused(why, host, escape(words))
    others = Refused(why, "", _OTHERS)
    return _make(refused, escape(calling_ae.strip()), diagnostic, _make(others, "", 0, None))


def _make(refused: Refused, calling_ae: str, diagnostic: int, instead: PeerEvent | None) -> PeerEvent:
    return PeerEvent(
        statements.REFUSED,
        lambda count: statements.write(replace(refused, count=count)),
        peer_ae=calling_ae,
        same=(refused.why, diagnostic, refused.host),
        instead=instead,
    )
