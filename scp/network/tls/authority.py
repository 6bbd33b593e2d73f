"""A certificate authority of our own, for trials and tests: it issues certificates that both profiles accept.

RSA keys, because older devices have no suites for elliptic curves; each certificate may be shown by a caller and by a
called application entity alike (PS3.15 B.12: both sides authenticate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_EXPONENT: Final = 65537
_KEY_BITS: Final = 2048
_EARLIER: Final = timedelta(hours=1)
"""Certificates are valid a little before they are made: the clocks of devices differ."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key (PKCS #8), both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Issues certificates; nothing of it is kept unless the caller writes it to a file."""

    def __init__(self, certificate: x509.Certificate, key: RSAPrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def create(cls, name: str, now: datetime, days: int) -> Authority:
        """Make key and certificate of an authority that is valid from `now` for some days."""
        key = generate_private_key(_EXPONENT, _KEY_BITS)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _begin(_name(name), _name(name), key, now - _EARLIER, now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @classmethod
    def load(cls, issued: Issued) -> Authority:
        """Make the authority of an earlier `issued`. Raises ValueError when it is damaged, or not an RSA key."""
        key = serialization.load_pem_private_key(issued.key, password=None)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the key of the authority is no RSA key")  # noqa: TRY004  # damaged, as other contents are
        return cls(x509.load_pem_x509_certificate(issued.certificate), key)

    @property
    def issued(self) -> Issued:
        """Its own certificate and key."""
        return _export(self._certificate, self._key)

    def issue(self, name: str, hosts: Sequence[str], now: datetime, days: int) -> Issued:
        """Make a key and a certificate for it, for these host names and addresses, valid until `now` and some days."""
        key = generate_private_key(_EXPONENT, _KEY_BITS)
        until = now + timedelta(days=days)
        since = min(now, until) - _EARLIER
        both_sides = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _begin(_name(name), self._certificate.subject, key, since, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(both_sides), critical=False)
            .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return _export(certificate, key)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _begin(
    subject: x509.Name, issuer: x509.Name, key: RSAPrivateKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _export(certificate: x509.Certificate, key: RSAPrivateKey) -> Issued:
    return Issued(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
