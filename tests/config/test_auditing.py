"""Settings of audit messages."""

import pytest
from pydantic import ValidationError

from config.auditing import AuditSettings


@pytest.mark.parametrize(
    ("collector", "address", "secure"),
    [
        ("tls://audit.example", ("audit.example", 6514), True),
        ("tls://audit.example:1234", ("audit.example", 1234), True),
        ("tls://[2001:db8::1]:6514", ("2001:db8::1", 6514), True),
        ("tcp://localhost:601", ("localhost", 601), False),
    ],
)
def test_a_collector_is_a_scheme_and_an_address(collector, address, secure):
    settings = AuditSettings(collector=collector)
    assert (settings.address, settings.is_secure) == (address, secure)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"collector": "audit.example"}, "write tls://HOST"),
        ({"collector": "udp://audit.example"}, "write tls://HOST"),
        ({"collector": "tls://audit.example:0"}, "is no port"),
        ({"collector": "tls://audit.example:70000"}, "is no port"),
        ({"collector": "tcp://audit.example"}, "can read and change"),
        ({"collector": "tls://user:word@audit.example"}, "write tls://HOST"),
        ({"collector": "tls://h", "certificate": "a.pem"}, "belong together"),
        ({"ca": "a.pem"}, "there is no audit.collector"),
        ({"keep_days": 3}, "greater than or equal to 30"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(keys, words):
    with pytest.raises(ValidationError, match=words):
        AuditSettings(**keys)


def test_without_anything_no_message_goes_anywhere():
    assert AuditSettings().address is None
    assert not AuditSettings().is_secure
