"""Which passwords are allowed, and how they are compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from scp.web.accounts import addresses, passwords
from scp.web.accounts.addresses import AddressLimit, find_network
from scp.web.accounts.passwords import Busy, Hasher
from scp.web.accounts.secrets import make_temporary_password
from storage.accounts.refusals import AccountRefused

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "zwölf Boxkämpfer jagen",
        "鶴は千年、亀は万年という言い伝えがある",
        "kX9$vQ2#mB7&nL4",
        "🐎🔋📎✅🐎🔋📎✅🌍🌎🌏🌙⭐☀️🔥",
        "lower case letters only",
    ],
)
def test_a_long_password_of_any_characters_is_allowed(password):
    passwords.check(password, "anna", "Dr. Anna Muster")


@pytest.mark.parametrize("_", range(20))
def test_a_temporary_password_is_one_that_is_allowed(_):
    passwords.check(make_temporary_password(), "anna")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("14 characters!", "password_short"),
        ("x" * 14, "password_short"),
        ("abcd efgh " * 26, "password_long"),
        ("passwordpassword", "password_common"),
        ("Password123456789", "password_common"),
        ("P@ssw0rd-P@ssw0rd", "password_common"),
        ("aaaaaaaaaaaaaaaaaaaa", "password_common"),
        ("abcabcabcabcabcabc", "password_common"),
        ("123456789012345678", "password_common"),
        ("qwertyuiopasdfghjkl", "password_common"),
        ("zyxwvutsrqponmlkji", "password_common"),
        ("coronodecoronode12", "password_common"),
        ("Radiologie-Krankenhaus-1", "password_common"),
        ("muster.anna.muster.2026", "password_common"),
    ],
)
def test_a_password_that_can_be_guessed_is_refused(password, code):
    with pytest.raises(AccountRefused, match=code):
        passwords.check(password, "anna.muster", "Dr. Anna Muster")


def test_a_password_is_the_same_from_every_keyboard():
    hasher = Hasher(PasswordHasher(1, 8, 1))
    assert hasher.is_of(
        hasher.hash("Fünf Wörter für das Paßwort"), "Fu\N{COMBINING DIAERESIS}nf Wörter für das Paßwort"
    )
    assert not hasher.is_of(hasher.hash("Fünf Wörter für das Paßwort"), "fünf Wörter für das Paßwort")


@pytest.mark.parametrize("kept", ["", "garbage", "$argon2id$v=19$m=8,t=1,p=1$garbage"])
def test_a_hash_that_is_none_is_of_no_password(kept):
    hasher = Hasher(PasswordHasher(1, 8, 1))
    assert not hasher.is_of(kept, "")
    assert not hasher.is_of(kept, "nobody has this password")


def test_hashes_are_argon2id_with_salts_of_their_own():
    first, second = (Hasher().hash("the same password") for _ in range(2))
    assert first.startswith("$argon2id$")
    assert first != second


def test_so_many_are_compared_at_once_and_no_more():
    hasher = Hasher(PasswordHasher(1, 8, 1))
    for _ in range(passwords._AT_ONCE + passwords._WAITING):
        hasher._places.acquire()
    with pytest.raises(Busy):
        hasher.hash("x")
    hasher._places.release()
    assert hasher.hash("x")


def test_an_address_gets_its_attempts_back_with_time():
    limit = AddressLimit(burst=2, seconds_each=3)
    assert [limit.take("192.0.2.1", NOW) for _ in range(3)] == [0, 0, 3]
    assert limit.take("192.0.2.2", NOW) == 0
    assert limit.take("192.0.2.1", NOW + timedelta(seconds=2)) == pytest.approx(1)
    assert limit.take("192.0.2.1", NOW + timedelta(seconds=3)) == 0
    limit.give_back("192.0.2.1")
    assert limit.take("192.0.2.1", NOW + timedelta(seconds=3)) == 0
    assert limit.take("192.0.2.1", NOW - timedelta(days=1)) > 0, "a clock that was set back gives nothing"


def test_an_ipv6_network_counts_as_one_address():
    assert find_network("2001:db8::1") == find_network("2001:db8::ffff:1") != find_network("2001:db8:0:1::1")
    assert find_network("192.0.2.1") != find_network("192.0.2.2")


def test_the_memory_for_addresses_is_bounded(monkeypatch):
    monkeypatch.setattr(addresses, "MOST_ADDRESSES", 10)
    limit = AddressLimit()
    for number in range(100):
        limit.take(f"192.0.2.{number}", NOW)
    assert len(limit._left) == 10
