"""Hashes of passcodes: vectors of the RFC, their written form, and limits on what they may cost."""

import hashlib
from base64 import b64encode

import pytest

from config.passcodes import HashedPasscode
from config.settings import PeerSettings

# RFC 7914 section 12, third vector: N = 16384, r = 8, p = 1
RFC_DIGEST = bytes.fromhex(
    "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
)


def write(digest=RFC_DIGEST, cost="ln=14,r=8,p=1", salt=b"SodiumChloride"):
    written_salt, written = (b64encode(value).decode().rstrip("=") for value in (salt, digest))
    return f"$scrypt${cost}${written_salt}${written}"


def test_the_vector_of_the_rfc():
    hashed = HashedPasscode.parse(write())
    assert hashed.is_of(b"pleaseletmein")
    assert not hashed.is_of(b"pleaseletmeinn")
    assert not hashed.is_of(b"")


def test_a_made_hash_is_written_and_read_and_like_no_other():
    first, second = HashedPasscode.make("Schlüssel"), HashedPasscode.make("Schlüssel")
    assert str(first) != str(second)
    assert "Schl" not in str(first)
    assert HashedPasscode.parse(str(first)) == first
    assert first.is_of("Schlüssel".encode())
    assert not first.is_of(b"Schluessel")
    # 32 MiB three times: one of the costs that OWASP names
    assert first.digest == hashlib.scrypt(
        "Schlüssel".encode(), salt=first.salt, n=2**15, r=8, p=3, maxmem=2**26, dklen=32
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4daw",
        write(digest=b"short"),
        write(cost="ln=0,r=8,p=1"),
        write(cost="ln=14,r=0,p=1"),
        write(cost="ln=14,r=8,p=0"),
        write(cost="ln=20,r=8,p=1"),  # 1 GiB
        write(cost="ln=99,r=8,p=1"),
        write(cost="ln=14,r=8,p=17"),
        "$scrypt$ln=14,r=8,p=1$A$" + "A" * 43,  # one base64 character is no byte
        write() + "\n",
    ],
)
def test_what_is_no_hash_or_costs_too_much_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"coronode config passcode|base64|is needed|is allowed"):
        HashedPasscode.parse(text)
    with pytest.raises(ValueError, match="users"):
        PeerSettings(ae_title="A", host="h", users={"alice": text})


def test_the_dearest_that_is_allowed_can_be_computed():
    assert HashedPasscode.parse(write(cost="ln=18,r=8,p=1")).is_of(b"x") is False
    assert HashedPasscode.parse(write(cost="ln=1,r=99,p=16")).is_of(b"x") is False
