"""Accounts with passwords that are quick to hash, and a clock that tests move."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from scp.web.accounts.administration import Administration
from scp.web.accounts.passwords import Hasher
from scp.web.app import create_app
from storage.accounts import accounts
from storage.database import audit

NOW = datetime.fromisoformat("2026-03-02T08:00:00+00:00")
PASSWORD = "four words make it long"


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class House:
    """The application with accounts, a clock and what it wrote into the audit log."""

    web: object
    clock: Clock
    hasher: Hasher = field(default_factory=lambda: Hasher(PasswordHasher(1, 8, 1)))

    @property
    def database(self):
        return self.web.services.database

    def add(self, name: str, *roles: str, temporary: bool = False) -> str:
        """Add an account, and return its password."""
        made = Administration(self.database, self.hasher, self.clock(), "test")
        _, password = made.add(name, "", roles or ("view",), "" if temporary else PASSWORD)
        return password or PASSWORD

    def enter(self, browser, name: str, password: str = PASSWORD, **more: str):
        """Fill the form, as a browser does: with the token of the page."""
        return browser.post("/sign-in", data={"name": name, "password": password, **more})

    def told(self, kind: str) -> list[audit.Event]:
        return audit.list_events(self.database, kind=kind)

    def find(self, name: str):
        return accounts.find(self.database, name)


@pytest.fixture
def new_house(new_web):
    def make(**sections: object) -> House:
        web = new_web(**sections)
        house = House(web, Clock())
        web.services = replace(web.services, clock=house.clock)
        web.client.app = create_app(web.services)
        web.client.app.state.signing_in.hasher = house.hasher
        web.client = web.browser()
        return house

    return make


@pytest.fixture
def house(new_house) -> House:
    return new_house()
