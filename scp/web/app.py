"""The application: its routes, and what holds for every request."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from scp.web import errors, health, preferences
from scp.web.accounts import pages as accounts
from scp.web.dicomweb import service as dicomweb
from scp.web.guard import Guard
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
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.services = services
    for router in _ROUTERS:
        app.include_router(router)
    static = files("scp.web").joinpath("static")
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    errors.handle(app)
    app.add_middleware(Guard, services=services)
    return app
