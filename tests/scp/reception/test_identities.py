"""Users of a peer: who is one, what an impostor costs, and that the right one is not made to wait."""

import threading

import pytest

from config.passcodes import HashedPasscode
from scp.network.user_information import UserIdentity
from scp.reception import identities
from scp.reception.identities import BusyError, Identities


def hashed(passcode):
    plain = HashedPasscode(b"salt" * 4, bytes(32), log_rounds=4, block_size=1, parallel=1)
    return str(HashedPasscode(plain.salt, plain._compute(passcode.encode()), 4, 1, 1))


USERS = {"alice": hashed("secret"), "jürgen": hashed("geheim")}


def identity(name, passcode, kind=2):
    return UserIdentity(kind, response_requested=False, primary=name.encode(), secondary=passcode.encode())


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def checker(pauses):
    return Identities(longest_wait=0.01, rest=pauses.append)


@pytest.mark.parametrize(("name", "passcode"), [("alice", "secret"), ("jürgen", "geheim")])
def test_a_user_with_the_right_passcode(checker, pauses, name, passcode):
    assert checker.verify(USERS, identity(name, passcode))
    assert pauses == []


@pytest.mark.parametrize(
    "wrong",
    [
        identity("alice", "Secret"),
        identity("alice", ""),
        identity("alice", "geheim"),
        identity("bob", "secret"),
        identity("", ""),
        UserIdentity(2, response_requested=False, primary=b"\xff\xfe", secondary=b"secret"),
    ],
    ids=str,
)
def test_a_wrong_passcode_and_an_unknown_name_cost_the_same(checker, pauses, monkeypatch, wrong):
    computed = []
    is_of = HashedPasscode.is_of
    monkeypatch.setattr(HashedPasscode, "is_of", lambda self, passcode: computed.append(self) or is_of(self, passcode))
    assert not checker.verify(USERS, wrong)
    assert len(computed) == len(pauses) == 1


@pytest.mark.parametrize(
    "other",
    [None, *(identity("alice", "secret", kind) for kind in (0, 1, 3, 4, 5)), identity("alice", "s" * 1025)],
    ids=["none", "kind 0", "name alone", "Kerberos", "SAML", "JSON web token", "too long"],
)
def test_other_identities_are_refused_without_a_hash(checker, monkeypatch, other):
    monkeypatch.setattr(HashedPasscode, "is_of", lambda *_: pytest.fail("computed"))
    assert not checker.verify(USERS, other)


def test_a_right_passcode_is_computed_once_and_a_wrong_one_each_time(checker, monkeypatch):
    assert checker.verify(USERS, identity("alice", "secret"))
    computed = []
    is_of = HashedPasscode.is_of
    monkeypatch.setattr(HashedPasscode, "is_of", lambda self, passcode: computed.append(self) or is_of(self, passcode))
    assert checker.verify(USERS, identity("alice", "secret"))
    assert computed == []
    assert not checker.verify(USERS, identity("alice", "wrong"))
    assert not checker.verify(USERS, identity("alice", "wrong"))
    assert len(computed) == 2
    # another passcode was configured since: what was right before is not any more
    assert not checker.verify({"alice": hashed("new")}, identity("alice", "secret"))


def test_what_is_remembered_is_bounded_and_no_passcode(checker, monkeypatch):
    monkeypatch.setattr(identities, "_MOST_REMEMBERED", 2)
    for number in range(5):
        assert checker.verify({"u": hashed(f"passcode {number}")}, identity("u", f"passcode {number}"))
        assert 1 <= len(checker._right) <= 2
        assert not any(b"passcode" in token for token in checker._right)


def test_one_is_checked_at_a_time_and_a_known_one_need_not_wait():
    inside, leave = threading.Event(), threading.Event()

    def rest(_):
        inside.set()
        assert leave.wait(20)

    checker = Identities(longest_wait=0.01, rest=rest)
    assert checker.verify(USERS, identity("alice", "secret"))
    impostor = threading.Thread(target=checker.verify, args=(USERS, identity("alice", "wrong")))
    impostor.start()
    try:
        assert inside.wait(20)
        with pytest.raises(BusyError):
            checker.verify(USERS, identity("jürgen", "geheim"))
        assert checker.verify(USERS, identity("alice", "secret"))
    finally:
        leave.set()
        impostor.join(20)
    assert checker.verify(USERS, identity("jürgen", "geheim"))
