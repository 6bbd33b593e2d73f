"""What differs between two configurations, and what of it a running node takes up."""

from __future__ import annotations

import pytest

from config.changes import AT_START, LIVE, list_changes, needs_start
from config.settings import Settings

A = {"ae_title": "A", "host": "10.0.0.5"}


@pytest.mark.parametrize(
    ("before", "after", "keys"),
    [
        ({}, {}, []),
        ({"node": {"port": 104}}, {"node": {"port": 105}}, ["node.port"]),
        (
            {"node": {"tls": {"profile": "bcp195"}}},
            {"node": {"tls": {"profile": "bcp195-modified"}}},
            ["node.tls.profile"],
        ),
        ({}, {"peers": {"A": A}}, ["peers.A"]),
        ({"peers": {"A": A}}, {}, ["peers.A"]),
        ({"peers": {"A": A}}, {"peers": {"A": A | {"port": 104}}}, ["peers.A.port"]),
        ({"peers": {"A": A}}, {"peers": {"A": A | {"host": "10.0.0.6"}, "B": A}}, ["peers.A.host", "peers.B"]),
        ({}, {"completion": {"quiet_seconds": 5}, "web": {"port": 1}}, ["completion.quiet_seconds", "web.port"]),
    ],
)
def test_the_keys_that_changed(before, after, keys):
    assert list_changes(Settings.model_validate(before), Settings.model_validate(after)) == keys


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("node.port", True),
        ("node.host", True),
        ("node.data_dir", True),
        ("node.ae_title", True),
        ("node.tls.port", True),
        ("node.tls.certificate", False),
        ("storage.database_url", True),
        ("web.port", True),
        ("web.oidc.roles", False),
        ("peers.A", False),
        ("peers.A.port", False),
        ("node.log_level", False),
        ("a_section_of_tomorrow.key", True),
    ],
)
def test_what_needs_a_new_start(key, expected):
    assert needs_start(key) is expected


@pytest.mark.parametrize("place", [*LIVE, *AT_START])
def test_each_place_is_a_section_or_a_key(place):
    section = Settings()
    for part in place.split("."):
        section = getattr(section, part)
