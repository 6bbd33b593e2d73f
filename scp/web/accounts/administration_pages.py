"""The page on which an administrator manages accounts and tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from scp.web.accounts.administration import PERSONAL_ROLES, Administration
from scp.web.accounts.identification import find_caller
from scp.web.accounts.passwords import Busy
from scp.web.accounts.signing_in import SigningIn
from scp.web.identity import ROLES, Person, require
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.accounts import accounts, failures, tokens
from storage.accounts.refusals import AccountRefused

PAGE: Final = "/accounts"
_LONGEST_DAYS: Final = 3650

router: Final = APIRouter()
Administrator = Annotated[Person, Depends(require("administer"))]


@router.get(PAGE)
def show_accounts(request: Request, person: Administrator) -> Response:
    """List accounts and tokens."""
    del person
    return _render(request)


@router.post(PAGE)
def add_account(
    request: Request,
    person: Administrator,
    name: Annotated[str, Form()] = "",
    printed_name: Annotated[str, Form()] = "",
    role: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Add an account, and show its temporary password once."""
    return _tell(
        request, person, "told_password", lambda by: by.add(name, printed_name, role or [])[1], accounts.fold(name)
    )


@router.post("/accounts/tokens")
def add_token(
    request: Request,
    person: Administrator,
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
) -> Response:
    """Add a machine's token, and show it once."""
    if days and not (days.isascii() and days.isdigit() and 0 < int(days) <= _LONGEST_DAYS):
        return _render(request, 422, words=find_texts(request)("accounts.refused_bad_days", most=_LONGEST_DAYS))
    until = int(days) if days else None
    return _tell(request, person, "told_token", lambda by: by.add_token(name, role, until), name)


@router.post("/accounts/tokens/{name}/revoke")
def revoke_token(request: Request, person: Administrator, name: str) -> Response:
    """Take a token back."""
    return _do(request, person, lambda by: by.revoke_token(name))


@router.post("/accounts/{name}/roles")
def change_roles(
    request: Request, person: Administrator, name: str, role: Annotated[list[str] | None, Form()] = None
) -> Response:
    """Give an account these roles and no other."""
    return _do(request, person, lambda by: by.change_roles(name, role or []))


@router.post("/accounts/{name}/disable")
def disable(request: Request, person: Administrator, name: str) -> Response:
    """Disable an account."""
    return _do(request, person, lambda by: by.disable(name))


@router.post("/accounts/{name}/enable")
def enable(request: Request, person: Administrator, name: str) -> Response:
    """Let an account be used again."""
    return _do(request, person, lambda by: by.enable(name))


@router.post("/accounts/{name}/unlock")
def unlock(request: Request, person: Administrator, name: str) -> Response:
    """End the pause after failed attempts."""
    return _do(request, person, lambda by: by.unlock(name))


@router.post("/accounts/{name}/reset")
def reset(request: Request, person: Administrator, name: str) -> Response:
    """Give an account a temporary password, and show it once."""
    return _tell(request, person, "told_password", lambda by: by.reset(name), name)


def _do(request: Request, person: Person, change: Callable[[Administration], object]) -> Response:
    try:
        change(_administer(request, person))
    except AccountRefused as error:
        return _refuse(request, error)
    return RedirectResponse(PAGE, 303)


def _tell(request: Request, person: Person, key: str, change: Callable[[Administration], str], name: str) -> Response:
    """Make a change, and show the secret that it made: in this answer alone, no address leads to it."""
    try:
        secret = change(_administer(request, person))
    except AccountRefused as error:
        return _refuse(request, error)
    except Busy:
        raise HTTPException(503) from None
    return _render(request, told=find_texts(request)(f"accounts.{key}", name=name), secret=secret)


def _administer(request: Request, person: Person) -> Administration:
    services = find_services(request)
    signing_in: SigningIn = request.app.state.signing_in
    address = find_caller(request).address
    return Administration(services.database, signing_in.hasher, services.clock(), person.account or "local", address)


def _refuse(request: Request, error: AccountRefused) -> Response:
    return _render(request, 409, words=find_texts(request)(f"accounts.refused_{error.code}", **error.values))


def _render(request: Request, status: int = 200, *, words: str = "", told: str = "", secret: str = "") -> Response:
    services = find_services(request)
    paused = failures.list_paused(services.database, services.clock())
    listed = accounts.list_accounts(services.database)
    return render(
        request,
        "accounts/accounts.html",
        status,
        accounts=listed,
        paused={account.name for account in listed if failures.make_key(account.name) in paused},
        tokens=tokens.list_tokens(services.database),
        personal_roles=PERSONAL_ROLES,
        roles=ROLES,
        now=services.clock(),
        words=words,
        told=told,
        secret=secret,
    )
