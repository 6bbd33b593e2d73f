"""Who asks: a person or a machine, and what they may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from fastapi import HTTPException, Request

from config import web as configured

Role: TypeAlias = configured.Role
"""What an account may do: see results and images, correct and sign, work on outbox and quarantine, manage accounts and
decisions; "store" is for machines that send by STOW-RS, and includes nothing else."""

_INCLUDED: Final[Mapping[Role, frozenset[Role]]] = {
    "view": frozenset({"view"}),
    "review": frozenset({"view", "review"}),
    "operate": frozenset({"view", "operate"}),
    "administer": frozenset({"view", "operate", "administer"}),
    "store": frozenset({"store"}),
}
ROLES: Final[tuple[Role, ...]] = tuple(_INCLUDED)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the login name of the account, the name that is printed, and the roles that the account was given.

    Without accounts whoever sits at the machine is `LOCAL`. Until a temporary password is changed (`must_change`),
    nobody may do anything else.
    """

    account: str
    name: str
    roles: frozenset[Role]
    must_change: bool = False

    def may(self, role: Role) -> bool:
        """Return whether the person may act in a role."""
        return not self.must_change and any(role in _INCLUDED[own] for own in self.roles)


LOCAL: Final = Person(account="", name="", roles=frozenset(ROLES))


def find_person(request: Request) -> Person | None:
    """Return who asks; None where nobody has signed in."""
    person: Person | None = getattr(request.state, "person", None)
    return person


def require(role: Role) -> Callable[[Request], Person]:
    """Make a dependency that gives the person who asks, and refuses whoever may not act in `role`.

    Raises HTTPException: 401 where nobody has signed in, 403 where the account lacks the role.
    """

    def check(request: Request) -> Person:
        person = find_person(request)
        if person is None:
            raise HTTPException(401)
        if not person.may(role):
            raise HTTPException(403)
        return person

    return check
