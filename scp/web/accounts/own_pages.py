"""What everybody may do with the own account: change its password."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from scp.web.accounts import passwords
from scp.web.accounts.administration import Administration
from scp.web.accounts.identification import find_caller
from scp.web.accounts.passwords import Busy
from scp.web.accounts.sign_in_pages import begin_session
from scp.web.accounts.signing_in import SigningIn, SignInRefused
from scp.web.accounts.turning import OWN_ACCOUNT
from scp.web.identity import find_person
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.accounts import accounts
from storage.accounts.accounts import Account
from storage.accounts.refusals import AccountRefused

router: Final = APIRouter()


@router.get(OWN_ACCOUNT)
def show_own(request: Request) -> Response:
    """Show the account of whoever has signed in."""
    return _render(request, _find_own(request))


@router.post("/account/password")
def change_password(
    request: Request, current: Annotated[str, Form()] = "", new: Annotated[str, Form()] = ""
) -> Response:
    """Change the own password: every session ends, and a new one begins here."""
    own = _find_own(request)
    services = find_services(request)
    signing_in: SigningIn = request.app.state.signing_in
    address = find_caller(request).address
    try:
        account = signing_in.check(own.name, current, address)
        administration = Administration(
            services.database, signing_in.hasher, services.clock(), actor=own.name, address=address
        )
        administration.change_own_password(account, new)
    except (SignInRefused, AccountRefused) as error:
        code = "refused_current" if error.code == "wrong" else f"refused_{error.code}"
        status = error.status if isinstance(error, SignInRefused) and error.code != "wrong" else 422
        return _render(request, own, status, words=find_texts(request)(f"accounts.{code}", **error.values))
    except Busy:
        raise HTTPException(503) from None
    return begin_session(request, account, "/")


def _find_own(request: Request) -> Account:
    """Return the account of whoever asks. Raises HTTPException where there is none."""
    person = find_person(request)
    if person is None:
        raise HTTPException(401)
    account = accounts.find(find_services(request).database, person.account) if person.account else None
    if account is None:
        raise HTTPException(404)
    return account


def _render(request: Request, account: Account, status: int = 200, *, words: str = "") -> Response:
    return render(request, "accounts/own.html", status, account=account, words=words, least=passwords.SHORTEST)
