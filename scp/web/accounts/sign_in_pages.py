"""Signing in and out with a name and a password."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from scp.web.accounts import cookies
from scp.web.accounts.identification import find_caller
from scp.web.accounts.secrets import digest, make_token
from scp.web.accounts.signing_in import SigningIn, SignInRefused
from scp.web.accounts.turning import SIGN_IN, keep_own
from scp.web.identity import find_person
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.accounts import accounts, sessions
from storage.accounts.accounts import Account
from storage.database import audit

router: Final = APIRouter()


@router.get(SIGN_IN)
def show_sign_in(request: Request, next: str = "/") -> Response:  # noqa: A002  # the name in the address
    """Show the form; whoever has signed in goes on."""
    if find_person(request) is not None:
        return RedirectResponse(keep_own(next), 303)
    return render_sign_in(request, next)


@router.post(SIGN_IN)
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Sign in, and go on to the page that was asked for."""
    signing_in: SigningIn = request.app.state.signing_in
    secure = request.url.scheme == "https"
    device = cookies.read(request.headers, cookies.DEVICE, secure=secure)
    try:
        account = signing_in.check(name, password, find_caller(request).address, device)
    except SignInRefused as error:
        words = find_texts(request)(f"accounts.refused_{error.code}", **error.values)
        answer = render_sign_in(request, next, error.status, words=words, name=name)
        if error.seconds:
            answer.headers["Retry-After"] = str(error.seconds)
        return answer
    answer = begin_session(request, account, next)
    cookies.write(
        answer, cookies.DEVICE, signing_in.make_device(account), secure=secure, seconds=cookies.DEVICE_SECONDS
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session, and let the browser forget what it kept of the pages."""
    caller = find_caller(request)
    if caller.session and caller.person is not None:
        services = find_services(request)
        sessions.end(services.database, caller.session)
        audit.record(
            services.database, services.clock(), "signed_out", f"from {caller.address}", person=caller.person.account
        )
    answer = RedirectResponse(SIGN_IN, 303)
    cookies.remove(answer, cookies.SESSION, secure=request.url.scheme == "https")
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def begin_session(request: Request, account: Account, address: str) -> Response:
    """Begin a session under a token that nobody has seen before, end the one before it, and go on to `address`."""
    services = find_services(request)
    caller = find_caller(request)
    now = services.clock()
    token = make_token()
    if caller.session:
        sessions.end(services.database, caller.session)
    accounts.note_sign_in(services.database, account.name, now)
    lasting = timedelta(hours=services.settings.web.session_hours)
    sessions.begin(services.database, account.id, digest(token), now, now + lasting)
    audit.record(services.database, now, "signed_in", f"from {caller.address}", person=account.name)
    answer = RedirectResponse(keep_own(address), 303)
    cookies.write(answer, cookies.SESSION, token, secure=request.url.scheme == "https")
    return answer


def render_sign_in(request: Request, asked: str, status: int = 200, *, words: str = "", name: str = "") -> Response:
    """Show the form; `words` say why nobody was signed in."""
    oidc = find_services(request).settings.web.oidc
    return render(
        request,
        "accounts/sign_in.html",
        status,
        asked=keep_own(asked),
        words=words,
        name=name,
        provider=oidc.name if oidc.is_configured else "",
    )
