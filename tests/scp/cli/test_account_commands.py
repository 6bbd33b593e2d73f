"""`coronode account`: accounts and tokens from the shell; a password is never an argument."""

from __future__ import annotations

import io
import json

import pytest

from config.settings import Settings
from scp.web.accounts.passwords import Hasher
from storage.accounts import accounts
from storage.accounts.accounts import AccountState
from storage.database import audit
from storage.database.opening import open_database


@pytest.fixture
def database(tmp_path):
    opened = open_database(Settings(node={"data_dir": tmp_path / "coronode-data"}))
    yield opened
    opened.close()


def test_the_first_account_is_made_before_the_node_has_run(coronode, tmp_path):
    ended = coronode("account", "add", "Admin", "--role", "administer", "--printed-name", "Dr. A")
    assert ended.code == 0
    database = open_database(Settings(node={"data_dir": tmp_path / "coronode-data"}))
    account = accounts.find(database, "admin")
    assert Hasher().is_of(account.password_hash, ended.out.strip())
    assert account.must_change
    (event,) = audit.list_events(database, kind="account_added")
    assert event.person.startswith("shell:")
    database.close()


def test_a_password_is_read_from_standard_input(coronode, database, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("four words make it long\n"))
    ended = coronode("account", "add", "anna", "--role", "review", "--ask")
    assert (ended.code, ended.out) == (0, "")
    account = accounts.find(database, "anna")
    assert not account.must_change
    assert Hasher().is_of(account.password_hash, "four words make it long")


@pytest.mark.parametrize(("given", "words"), [("short\n", "at least 15"), ("", "--ask")])
def test_a_password_that_is_not_taken_makes_no_account(coronode, database, monkeypatch, given, words):
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    ended = coronode("account", "add", "anna", "--role", "review", "--ask")
    assert (ended.code, words in ended.err) == (1, True)
    assert accounts.find(database, "anna") is None


def test_a_role_that_is_none_is_a_usage_error(coronode, database):
    for role in ("root", "store"):
        assert coronode("account", "add", "anna", "--role", role).code == 2


def test_lists(coronode, database):
    coronode("account", "add", "anna", "--role", "review")
    token = coronode("account", "token", "add", "gw", "--role", "store", "--days", "3").out.strip()
    assert token.startswith("coronode_")
    assert "anna" in coronode("account", "list").out
    (listed,) = json.loads(coronode("account", "list", "--json").out)
    assert (listed["name"], listed["roles"], "password_hash" in listed) == ("anna", ["review"], False)
    (listed,) = json.loads(coronode("account", "token", "list", "--json").out)
    assert (listed["name"], listed["role"]) == ("gw", "store")
    assert token not in coronode("account", "token", "list").out
    assert coronode("account", "token", "revoke", "gw").code == 0
    assert coronode("account", "token", "revoke", "gw").code == 1


def test_changes(coronode, database):
    coronode("account", "add", "anna", "--role", "review")
    assert coronode("account", "roles", "anna", "--role", "view", "--role", "operate").code == 0
    assert accounts.find(database, "anna").roles == {"view", "operate"}
    assert coronode("account", "disable", "anna").code == 0
    assert accounts.find(database, "anna").state is AccountState.DISABLED
    assert coronode("account", "enable", "anna").code == 0
    assert coronode("account", "unlock", "anna").code == 0
    password = coronode("account", "reset", "anna").out.strip()
    assert Hasher().is_of(accounts.find(database, "anna").password_hash, password)
    ended = coronode("account", "reset", "nobody")
    assert (ended.code, ended.err) == (1, "coronode: There is no account nobody.\n")


def test_breaking_the_glass_needs_a_reason_and_is_told_loudly(coronode, database):
    coronode("account", "add", "admin", "--role", "administer")
    coronode("account", "add", "anna", "--role", "review")
    coronode("account", "disable", "anna")
    assert coronode("account", "break-glass", "anna").code == 2
    assert coronode("account", "break-glass", "anna", "--reason", " ").code == 2
    ended = coronode("account", "break-glass", "anna", "--reason", "the administrator has left")
    assert "glass was broken" in ended.err
    assert "the administrator has left" in ended.err
    account = accounts.find(database, "anna")
    assert (account.state, account.roles) == (AccountState.ACTIVE, {"administer", "review"})
    (event,) = audit.list_events(database, kind="break_glass")
    assert event.text == "anna: the administrator has left"
    assert ended.out.strip() not in str(audit.list_events(database))
