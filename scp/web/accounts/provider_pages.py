"""Signing in through the provider of identities: to it, and back from it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from config.errors import ConfigurationError, Transient
from scp.web.accounts import cookies
from scp.web.accounts.identification import find_caller
from scp.web.accounts.provider import Provider, Untrusted
from scp.web.accounts.provider_accounts import ProviderRefused, find_account
from scp.web.accounts.secrets import digest, make_token
from scp.web.accounts.sign_in_pages import begin_session, render_sign_in
from scp.web.accounts.signing_in import SignInRefused
from scp.web.accounts.turning import keep_own
from scp.web.rendering import find_texts
from scp.web.services import find_services
from storage.accounts.refusals import AccountRefused
from storage.database import audit

log = structlog.get_logger(__name__)

router: Final = APIRouter()

ATTEMPT: Final = "coronode_attempt"
_LONGEST_ATTEMPT: Final = timedelta(minutes=10)
_MOST_ATTEMPTS: Final = 1000
_BACK: Final = "/sign-in/provider/return"
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun: in which browser, and what it has to bring back."""

    browser: str
    nonce: str
    verifier: str
    asked: str
    back: str
    begun: datetime


class Attempts:
    """The sign-ins under way, by state; each can be taken once. Bounded, and safe to share between threads."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Attempt] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, state: str, attempt: Attempt) -> None:
        """Remember an attempt; the oldest is forgotten where there are too many."""
        with self._lock:
            self._open[state] = attempt
            while len(self._open) > _MOST_ATTEMPTS:
                self._open.popitem(last=False)

    def take(self, state: str, browser: str, now: datetime) -> Attempt | None:
        """Return the attempt of a state if this browser began it a short while ago, and forget it."""
        with self._lock:
            attempt = self._open.pop(state, None)
        if attempt is None or attempt.browser != digest(browser) or now - attempt.begun > _LONGEST_ATTEMPT:
            return None
        return attempt


@router.get("/sign-in/provider")
def begin(request: Request, next: str = "/") -> Response:  # noqa: A002  # the name in the address
    """Send the browser to the provider."""
    provider = _find_provider(request)
    services = find_services(request)
    secure = request.url.scheme == "https"
    state, browser = make_token(), make_token()
    back = f"{request.url.scheme}://{request.headers['host']}{_BACK}"
    attempt = Attempt(digest(browser), make_token(), make_token(), keep_own(next), back, services.clock())
    try:
        request.app.state.signing_in.take_attempt(find_caller(request).address)
        address = provider.make_address(back, state, attempt.nonce, attempt.verifier)
    except (Transient, Untrusted, SignInRefused) as error:
        return _refuse(request, error)
    request.app.state.attempts.add(state, attempt)
    answer = RedirectResponse(address, 303)
    cookies.write(answer, ATTEMPT, browser, secure=secure, seconds=int(_LONGEST_ATTEMPT.total_seconds()))
    return answer


@router.get(_BACK)
def come_back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Take the browser back: the state must be of an attempt that this very browser began, and counts once."""
    provider = _find_provider(request)
    services = find_services(request)
    browser = cookies.read(request.headers, ATTEMPT, secure=request.url.scheme == "https")
    attempt = request.app.state.attempts.take(state, browser, services.clock())
    if attempt is None:
        return _refuse(request, ProviderRefused("provider_stale"))
    if error or not 0 < len(code) <= _LONGEST:
        return _refuse(request, ProviderRefused("provider_denied"))
    try:
        identity = provider.redeem(code, attempt.back, attempt.nonce, attempt.verifier)
        account = find_account(services, identity)
    except (Transient, Untrusted, ConfigurationError, ProviderRefused) as refusal:
        return _refuse(request, refusal)
    answer = begin_session(request, account, attempt.asked)
    cookies.remove(answer, ATTEMPT, secure=request.url.scheme == "https")
    return answer


def _find_provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise HTTPException(404)
    return provider


def _refuse(request: Request, error: Exception) -> Response:
    """Say on the form why nobody was signed in; what was wrong with the provider stands in the log."""
    services = find_services(request)
    address = find_caller(request).address
    code = error.code if isinstance(error, AccountRefused) else "provider_silent"
    values = error.values if isinstance(error, AccountRefused) else {}
    status = error.status if isinstance(error, SignInRefused) else 403 if isinstance(error, ProviderRefused) else 503
    log.warning("sign-in through the provider failed", reason=str(error), address=address)
    if isinstance(error, ProviderRefused | Untrusted):
        audit.record(services.database, services.clock(), "sign_in_failed", f"{code} from {address}")
    return render_sign_in(request, "/", status, words=find_texts(request)(f"accounts.refused_{code}", **values))
