"""The profiles of the transport, from the table by which OpenSSL is set up."""

from __future__ import annotations

from scp.conformance.table import code, format_table
from scp.network.tls.profiles import PROFILES, SUITES_OF_TLS_1_3


def format_profiles() -> str:
    """Format the Secure Transport Connection Profiles by the value of `node.tls.profile` (PS3.15 annex B)."""
    rows = [(code(name), profile.title, profile.clause) for name, profile in PROFILES.items()]
    return format_table(("Configured", "Profile", "PS3.15"), rows)


def format_suites() -> str:
    """Format the cipher suites of each protocol version, the preferred first, with the profiles that have them."""
    rows = [("1.3", code(suite), ", ".join(map(code, PROFILES))) for suite in SUITES_OF_TLS_1_3]
    every = dict.fromkeys(suite for profile in PROFILES.values() for suite in profile.suites)
    for suite in every:
        having = [code(name) for name, profile in PROFILES.items() if suite in profile.suites]
        rows.append(("1.2", code(suite), ", ".join(having)))
    return format_table(("TLS", "Cipher suite", "Profile"), rows)
