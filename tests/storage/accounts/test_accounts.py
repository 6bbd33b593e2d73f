"""Accounts as they are kept: one name in every spelling, always an administrator, sessions that end with the right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage.accounts import accounts, sessions, tokens
from storage.accounts.accounts import AccountState
from storage.accounts.refusals import AccountRefused

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDLE = timedelta(minutes=60)


@pytest.fixture
def db(node):
    return node.db


def begin(db, account, token="t", now=NOW, lasting=12 * HOUR):
    sessions.begin(db, account.id, token, now, now + lasting)


def found(db, token="t", now=NOW):
    return sessions.find(db, token, now, IDLE)


def test_a_name_is_one_account_in_every_spelling(db):
    accounts.add(db, "Müller", NOW, roles=["view"])
    assert accounts.find(db, " MU\N{COMBINING DIAERESIS}LLER ").name == "müller"
    with pytest.raises(AccountRefused, match="name_taken"):
        accounts.add(db, "mÜller", NOW, roles=["view"])


def test_a_given_password_must_be_changed(db):
    assert not accounts.add(db, "b", NOW, roles=["view"], password_hash="own").must_change
    assert accounts.add(db, "a", NOW, roles=["view"], password_hash="h", password_until=NOW + HOUR).must_change
    assert not accounts.change_password(db, "a", "own").must_change
    assert accounts.change_password(db, "a", "given", temporary_until=NOW + HOUR).must_change


@pytest.mark.parametrize(
    "change",
    [
        lambda db: accounts.change_roles(db, "a", ["review"]),
        lambda db: accounts.change_state(db, "a", AccountState.DISABLED),
        lambda db: accounts.change_password(db, "a", "other"),
    ],
)
def test_sessions_end_with_roles_state_and_password(db, change):
    begin(db, accounts.add(db, "a", NOW, roles=["view"]), "one")
    begin(db, accounts.find(db, "a"), "two")
    begin(db, accounts.add(db, "b", NOW, roles=["view"]), "other")
    change(db)
    assert [found(db, token) is not None for token in ("one", "two", "other")] == [False, False, True]


def test_a_better_hash_of_the_same_password_ends_no_session_and_replaces_no_newer_one(db):
    account = accounts.add(db, "a", NOW, roles=["view"], password_hash="weak")
    begin(db, account)
    accounts.rehash(db, account, "strong")
    assert (accounts.find(db, "a").password_hash, found(db) is None) == ("strong", False)
    accounts.rehash(db, account, "of the old password")
    assert accounts.find(db, "a").password_hash == "strong"


def test_the_last_administrator_stays(db):
    accounts.add(db, "a", NOW, roles=["administer"])
    accounts.add(db, "b", NOW, roles=["administer"])
    accounts.change_state(db, "b", AccountState.DISABLED)
    for change in (
        lambda: accounts.change_state(db, "a", AccountState.DISABLED),
        lambda: accounts.change_roles(db, "a", ["view"]),
    ):
        with pytest.raises(AccountRefused, match="last_administrator"):
            change()
    accounts.change_state(db, "b", AccountState.ACTIVE)
    accounts.change_roles(db, "a", ["view"])
    assert accounts.find(db, "a").roles == {"view"}


def test_an_account_of_a_provider_has_no_password(db):
    accounts.add(db, "a", NOW, roles=["view"], subject="https://login.example 1")
    assert accounts.find_by_subject(db, "https://login.example 1").name == "a"
    with pytest.raises(AccountRefused, match="provided"):
        accounts.change_password(db, "a", "h")


def test_whether_there_is_any_account(db):
    assert not accounts.exist(db)
    accounts.add(db, "a", NOW, roles=["view"])
    accounts.change_state(db, "a", AccountState.DISABLED)
    assert accounts.exist(db)


def test_a_session_ends_without_use_and_by_age(db):
    begin(db, accounts.add(db, "a", NOW, roles=["view"]))
    assert found(db, now=NOW + IDLE) is None
    for number in range(1, 24):  # used every half hour
        assert found(db, now=NOW + number * HOUR / 2) is not None
    assert found(db, now=NOW + 12 * HOUR - timedelta(minutes=1)) is not None
    assert found(db, now=NOW + 12 * HOUR) is None


def test_sessions_are_bounded_and_those_that_are_over_are_forgotten(db):
    account = accounts.add(db, "a", NOW, roles=["view"])
    for number in range(sessions.MOST_SESSIONS + 3):
        begin(db, account, str(number))
    assert sessions.count(db, account.id) == sessions.MOST_SESSIONS
    assert (found(db, "2"), found(db, "3") is None) == (None, False)
    begin(db, account, "next", now=NOW + 13 * HOUR)
    assert sessions.count(db, account.id) == 1


def test_a_token_ends_and_is_revoked(db):
    tokens.add(db, "ct", "digest", NOW, role="store", expires_at=NOW + HOUR)
    assert tokens.find(db, "digest", NOW).role == "store"
    assert tokens.list_tokens(db)[0].used_at == NOW
    assert tokens.find(db, "digest", NOW + HOUR) is None
    with pytest.raises(AccountRefused, match="token_taken"):
        tokens.add(db, "ct", "other", NOW, role="store")
    tokens.revoke(db, "ct")
    assert tokens.find(db, "digest", NOW) is None
    with pytest.raises(AccountRefused, match="token_unknown"):
        tokens.revoke(db, "ct")
