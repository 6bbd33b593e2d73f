"""The application: its routes, and what holds for every request."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles

from scp.watching.gauges import Gauges
from scp.web import errors, health, preferences
from scp.web.accounts import pages as accounts
from scp.web.accounts.forgery import check_forgery
from scp.web.accounts.identification import Identification
from scp.web.accounts.provider import Provider
from scp.web.accounts.provider_pages import Attempts
from scp.web.accounts.signing_in import SigningIn
from scp.web.audit import RecentViews
from scp.web.dicomweb import service as dicomweb
from scp.web.guard import Guard
from scp.web.limits import Limits
from scp.web.overview import pages as overview
from scp.web.review import pages as review
from scp.web.services import Services
from scp.web.validation import pages as validation

_ROUTERS: Final = (
    health.router,
    preferences.router,
    overview.router,
    review.router,
    validation.router,
    accounts.router,
    dicomweb.router,
)


def create_app(services: Services) -> FastAPI:
    """Make the application over an installation."""
    # no generated API pages: they load their scripts from elsewhere
    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        dependencies=[Depends(check_forgery)],
    )
    app.state.services = services
    app.state.gauges = Gauges(services.installation)
    oidc = services.settings.web.oidc
    app.state.provider = Provider(oidc, services.clock) if oidc.is_configured else None
    app.state.attempts = Attempts()
    app.state.views = RecentViews()
    app.state.signing_in = signing_in = SigningIn(services.database, services.clock)
    for router in _ROUTERS:
        app.include_router(router)
    static = files("scp.web").joinpath("static")
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    errors.handle(app)
    app.add_middleware(Limits)
    # added last, so that it is the first to see a request
    app.add_middleware(Guard, services=services, identification=Identification(services, signing_in))
    return app
