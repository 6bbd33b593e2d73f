"""The Secure Transport Connection Profiles of PS3.15 annex B as settings of OpenSSL.

Both profiles speak TLS 1.3, and TLS 1.2 with authenticated encryption and ephemeral elliptic curve keys alone (BCP 195:
RFC 8996, RFC 9325 4.2). Suites with finite-field keys (DHE) are left out: RFC 9325 4.1 advises against them, and B.13
forbids them where the length of the key cannot be set, as with Python's OpenSSL.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_RECOMMENDED: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
)
_CHACHA: Final = ("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305")
_CCM: Final = ("ECDHE-ECDSA-AES256-CCM", "ECDHE-ECDSA-AES128-CCM")


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: its title and clause in PS3.15, and its suites for TLS 1.2, the preferred first, by OpenSSL's names.

    The suites of TLS 1.3 are OpenSSL's: AES-256-GCM, ChaCha20-Poly1305 and AES-128-GCM.
    """

    title: str
    clause: str
    suites: tuple[str, ...]


PROFILES: Final[Mapping[str, Profile]] = {
    "bcp195": Profile("BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile", "B.12", _RECOMMENDED + _CHACHA),
    "bcp195-modified": Profile(
        "Modified BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile", "B.13", _RECOMMENDED + _CHACHA + _CCM
    ),
}
"""By the values of `node.tls.profile`."""

SUITES_OF_TLS_1_3: Final = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")

_LEVEL: Final = "@SECLEVEL=2"  # RSA keys of 2048 bits, curves of 224, no SHA-1 in signatures


def make_context(profile: Profile, *, server_side: bool) -> ssl.SSLContext:
    """Return a context of the profile that has neither certificate nor anchors of trust yet.

    Sessions are not resumed: every association proves its identity anew. As a client it verifies certificate and name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join((*profile.suites, _LEVEL)))
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    # an anchor may be an intermediate authority, or a device's own certificate
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if server_side:
        context.num_tickets = 0
    return context
