"""Settings of TLS: what does not fit together is said with the key that is missing."""

import pytest
from pydantic import ValidationError

from config.settings import Settings

FILES = {"certificate": "n.pem", "key": "n.key", "ca": "ca.pem"}
PEER = {"ae_title": "CT1", "host": "10.0.0.7"}


@pytest.mark.parametrize(
    ("tls", "peer", "words"),
    [
        ({"port": 2762}, {}, ["node.tls.certificate", "node.tls.key", "node.tls.ca", "coronode config tls init"]),
        ({"certificate": "n.pem"}, {}, ["add node.tls.key and node.tls.ca"]),
        (FILES | {"only": True}, {}, ["node.tls.only", "no node.tls.port"]),
        ({"key_password_file": "p"}, {}, ["node.tls.key_password_file", "no node.tls.key"]),
        (FILES | {"profile": "basic"}, {}, ["bcp195"]),
        ({}, {"tls": True}, ["peers.CT.tls", "node.tls.certificate"]),
        (FILES, {"tls": True}, ["peers.CT.tls", "only calls", "no node.tls.port"]),
        (FILES, {"certificate": "sha256:" + "0" * 64}, ["certificate is for TLS", "tls = true"]),
        (FILES, {"tls_name": "ct.example"}, ["tls_name is for TLS", "tls = true"]),
        (FILES, {"tls": True, "certificate": "sha256:abc"}, ["64 hexadecimal digits", "openssl x509"]),
    ],
)
def test_a_contradiction_names_what_is_missing(tls, peer, words):
    with pytest.raises(ValidationError) as caught:
        Settings(node={"tls": tls}, peers={"CT": PEER | peer})
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("tls", "peer"),
    [
        ({}, {}),
        (FILES, {}),
        (FILES, {"tls": True, "port": 11112}),
        (FILES | {"port": 2762}, {"tls": True}),
        (FILES | {"port": 2762, "only": True}, {"tls": True, "tls_name": "ct.example"}),
    ],
)
def test_these_fit(tls, peer):
    settings = Settings(node={"tls": tls}, peers={"CT": PEER | peer})
    assert settings.node.tls.is_configured is bool(tls)
    hash(settings.node.tls)


def test_a_fingerprint_may_be_written_as_openssl_prints_it():
    upper = ":".join(["AB"] * 32)
    peers = {"CT": PEER | {"tls": True, "port": 104, "certificate": f"SHA256:{upper}"}}
    assert Settings(node={"tls": FILES}, peers=peers).peers["CT"].certificate == ("sha256:" + "ab" * 32,)


def test_a_peer_may_have_a_list_of_certificates_while_one_is_renewed():
    pins = ["sha256:" + "0" * 64, "new.pem"]
    peers = {"CT": PEER | {"tls": True, "port": 104, "certificate": pins}}
    assert Settings(node={"tls": FILES}, peers=peers).peers["CT"].certificate == tuple(pins)


def test_one_port_cannot_be_with_and_without_tls():
    tls = {"port": 2762, "certificate": "n.pem", "key": "n.key", "ca": "ca.pem"}
    with pytest.raises(ValidationError, match=r"port 2762 is that of node\.tls, too; give node\.tls\.port another one"):
        Settings.model_validate({"node": {"port": 2762, "tls": tls}})
    Settings.model_validate({"node": {"port": 2762, "tls": tls | {"only": True}}})
    Settings.model_validate({"node": {"port": 0, "tls": tls | {"port": 0}}})
