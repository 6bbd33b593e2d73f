"""What the conformance statement says of TLS is what the code offers."""

from __future__ import annotations

from typing import get_args

from config.tls import ProfileName
from scp.network.tls.profiles import PROFILES, SUITES_OF_TLS_1_3


def test_every_suite_of_every_profile_is_stated_in_the_order_of_preference(conformance):
    rows = conformance.section("8.4 Security profiles").table("TLS", "Cipher suite", "Profile")
    for name, profile in PROFILES.items():
        own = [(suite, version) for version, suite, names in rows if name in names.split(", ")]
        assert own == [(suite, "1.3") for suite in SUITES_OF_TLS_1_3] + [(suite, "1.2") for suite in profile.suites]


def test_the_profiles_have_their_titles_and_clauses(conformance):
    rows = conformance.section("8.4 Security profiles").table("Configured", "Profile", "PS3.15")
    assert [(title, clause) for _, title, clause in rows] == [(one.title, one.clause) for one in PROFILES.values()]
    assert [row[0] for row in rows] == list(PROFILES) == list(get_args(ProfileName))
