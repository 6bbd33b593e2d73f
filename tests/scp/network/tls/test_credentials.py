"""The files of `[node.tls]`: what is wrong with them in words, and changes without a restart."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from config.errors import ConfigurationError
from config.settings import NodeSettings, PeerSettings
from config.tls import TlsSettings
from scp.network.tls.calling import find_security
from scp.network.tls.certificates import read_certificates
from scp.network.tls.credentials import load_credentials, watch_credentials, watch_fingerprints
from tests.scp import certificates


@pytest.fixture
def tls(tmp_path: Path) -> TlsSettings:
    return TlsSettings.model_validate(certificates.write_node(tmp_path))


def encrypt(path: Path, password: bytes) -> None:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    encryption = serialization.BestAvailableEncryption(password)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def spoil(tmp_path: Path, what: str) -> dict[str, object]:
    """Make one thing wrong, and return the settings that change with it."""
    key, certificate = tmp_path / "node.key", tmp_path / "node.pem"
    match what:
        case "no certificate" | "no key" | "no authorities":
            (tmp_path / {"no certificate": "node.pem", "no key": "node.key", "no authorities": "ca.pem"}[what]).unlink()
        case "another key":
            key.write_bytes(certificates.issue("peer").key)
        case "no PEM":
            certificate.write_bytes(b"\x30\x82\x01\x0a")
        case "cut":
            certificate.write_text(certificate.read_text()[:200] + "\n-----END CERTIFICATE-----\n")
        case "key is a certificate":
            key.write_bytes(certificate.read_bytes())
        case "open key":
            key.chmod(0o644)
        case "key of a group that writes":
            key.chmod(0o660)
        case "encrypted":
            encrypt(key, b"secret")
        case "wrong password" | "empty password":
            encrypt(key, b"secret")
            (tmp_path / "password").write_text("wrong\n" if what == "wrong password" else "")
            return {"key_password_file": tmp_path / "password"}
    return {}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no certificate", ["node.tls.certificate", "node.pem", "No such file"]),
        ("no key", ["node.tls.key", "node.key", "No such file"]),
        ("no authorities", ["node.tls.ca", "ca.pem", "No such file"]),
        ("another key", ["node.tls.key", "is not the key of the certificate", "node.pem"]),
        ("no PEM", ["node.tls.certificate", "PEM", "openssl x509 -inform der"]),
        ("cut", ["node.tls.certificate", "damaged certificate"]),
        ("key is a certificate", ["node.tls.key", "is no private key in PEM form"]),
        ("open key", ["node.tls.key", "other users", "0644", "chmod 600"]),
        ("key of a group that writes", ["node.tls.key", "0660"]),
        ("encrypted", ["node.tls.key", "is encrypted", "node.tls.key_password_file"]),
        ("wrong password", ["node.tls.key_password_file", "does not open the key"]),
        ("empty password", ["node.tls.key_password_file", "it is empty"]),
    ],
)
def test_what_is_wrong_is_said_with_the_setting_and_the_file(tmp_path, tls, what, words):
    changed = tls.model_copy(update=spoil(tmp_path, what))
    with pytest.raises(ConfigurationError) as caught:
        load_credentials(changed)
    for word in words:
        assert word in str(caught.value)


def test_an_encrypted_key_is_opened_with_the_first_line_of_its_password_file(tmp_path, tls):
    encrypt(tmp_path / "node.key", b"long and secret")
    (tmp_path / "password").write_text("long and secret\n")
    load_credentials(tls.model_copy(update={"key_password_file": tmp_path / "password"}))


def test_a_key_may_be_readable_by_its_group(tmp_path, tls):
    """Debian's group ssl-cert, and secrets that a container gets."""
    (tmp_path / "node.key").chmod(0o640)
    load_credentials(tls)


def test_changed_files_are_taken_up_and_broken_ones_are_not(tmp_path, tls):
    watched = watch_credentials(tls)
    assert watch_credentials(TlsSettings.model_validate(tls.model_dump())) is watched  # one for the whole process
    first = watched.get()
    assert watched.get() is first
    renewed = certificates.issue("node renewed")
    with capture_logs() as lines:
        replace(tmp_path / "node.pem", renewed.certificate)  # its key is yet to come
        assert watched.get() is first
        assert watched.get() is first
    (line,) = lines  # once for the change, not for each association
    assert line["log_level"] == "warning"
    assert "is not the key of the certificate" in line["reason"]
    with capture_logs() as lines:
        replace(tmp_path / "node.key", renewed.key)
        second = watched.get()
    assert second.certificates[0].subject == "CN=node renewed"
    assert [line["log_level"] for line in lines] == ["info"]


def replace(path: Path, content: bytes) -> None:
    """Replace a file as an administrator should: at once."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.chmod(path.stat().st_mode)
    new.replace(path)


def test_a_peer_may_have_several_certificates_by_file_and_fingerprint(tmp_path):
    old, _ = certificates.write(tmp_path, "old", certificates.issue("peer"))
    new, _ = certificates.write(tmp_path, "new", certificates.issue("peer renewed"))
    named = read_certificates(new, "x")[0].fingerprint
    assert watch_fingerprints((str(old), named), "peers.X.certificate").get() == {
        read_certificates(old, "x")[0].fingerprint,
        named,
    }


def test_a_pinned_file_that_is_missing_names_its_setting(tmp_path):
    with pytest.raises(ConfigurationError, match=r"peers\.X\.certificate: .*missing\.pem: cannot be read"):
        watch_fingerprints((str(tmp_path / "missing.pem"),), "peers.X.certificate")


@pytest.mark.parametrize(
    ("peer", "name", "pins", "checks_name"),
    [
        ({}, "127.0.0.1", 0, True),
        ({"tls_name": "pacs.example"}, "pacs.example", 0, True),
        ({"certificate": "sha256:" + "AB" * 32}, "127.0.0.1", 1, False),
    ],
)
def test_a_peer_is_called_by_name_or_by_certificate(tls, peer, name, pins, checks_name):
    node = NodeSettings(tls=tls)
    security = find_security(node, PeerSettings(ae_title="P", host="127.0.0.1", port=104, tls=True, **peer))
    assert security is not None
    assert (security.server_name, len(security.fingerprints)) == (name, pins)
    assert security.context.check_hostname is checks_name


def test_a_peer_without_tls_is_called_without(tls):
    assert find_security(NodeSettings(tls=tls), PeerSettings(ae_title="P", host="127.0.0.1", port=104)) is None
