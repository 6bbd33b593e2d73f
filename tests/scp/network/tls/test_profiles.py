"""What the profiles offer, against the words of the Standard and of RFC 9325."""

import ssl

import pytest

from scp.network.tls.profiles import PROFILES, SUITES_OF_TLS_1_3, make_context

# RFC 9325 4.2: the recommended ones of TLS 1.2, by OpenSSL's names
RECOMMENDED = {
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
}


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("server_side", [True, False])
def test_suites_encrypt_and_authenticate_with_keys_of_the_moment(name, server_side):
    context = make_context(PROFILES[name], server_side=server_side)
    suites = context.get_ciphers()
    named = {suite["name"] for suite in suites}
    assert named == {*PROFILES[name].suites, *SUITES_OF_TLS_1_3}
    assert named >= RECOMMENDED
    for suite in suites:
        assert suite["aead"], suite["name"]
        assert suite["kea"] in ("kx-ecdhe", "kx-any"), suite["name"]  # any: TLS 1.3, which has no other
        assert suite["strength_bits"] >= 128


@pytest.mark.parametrize("name", PROFILES)
def test_versions_and_verification(name):
    server, client = (make_context(PROFILES[name], server_side=side) for side in (True, False))
    for context in (server, client):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.maximum_version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED)
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.options & ssl.OP_NO_COMPRESSION
    assert client.verify_mode == ssl.CERT_REQUIRED
    assert client.check_hostname
    assert server.num_tickets == 0
