"""What the documents say of security is what the code does and the tests try."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from config.tls import ProfileName
from config.web import Role
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


def test_every_reason_of_a_refused_connection_is_explained_in_its_own_words(root, every_page):
    (page,) = [one for one in every_page if one.path == root / "docs/tls.md"]
    told = [words for row in page.table("The log says", "What to do") for words in re.split(r", (?=it |Host)", row[0])]
    assert len(told) >= 10
    sources = [
        *(root / "scp/network/tls").glob("*.py"),
        root / "scp/reception/bindings.py",
        root / "scp/network/pdu.py",
    ]
    code = " ".join(map(Path.read_text, sources))
    own_words = [words for words in told if ": " not in words and "mismatch" not in words]  # the others are OpenSSL's
    for words in own_words:
        for part in words.split("peers.NAME"):
            assert part.strip(". ") in re.sub(r"\{name\}", "NAME", code), words


def test_every_attack_names_tests_that_there_are(root, every_page):
    (page,) = [one for one in every_page if one.path == root / "docs/security.md"]
    rows = page.section("Attacks tried").table("Attack", "Outcome", "Test")
    assert len(rows) > 20
    for *_, named in rows:
        for test in named.split(", "):
            file, _, function = test.partition("::")
            assert f"def {function}(" in (root / "tests" / file).read_text("utf-8"), test


def test_every_role_is_explained(root, every_page):
    (page,) = [one for one in every_page if one.path == root / "docs/security.md"]
    assert {row[0] for row in page.section("Roles").table("Role", "May")} == set(get_args(Role))
