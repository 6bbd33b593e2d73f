"""Why TLS failed, in words for the person who configures the node or its peer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

_WORDS: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate",
    "UNSUPPORTED_PROTOCOL": "it offers TLS 1.1 or older, the profile needs TLS 1.2 or 1.3",
    "NO_SHARED_CIPHER": "it offers no cipher suite of the profile",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "it offers no signature algorithm for our certificate's key",
    "NO_SHARED_SIGNATURE_ALGORITHMS": "it offers no signature algorithm for our certificate's key",
    "NO_SHARED_GROUP": "it offers no elliptic curve that we have",
    "NO_SUITABLE_KEY_SHARE": "it offers no elliptic curve that we have",
    "EE_KEY_TOO_SMALL": "the key of its certificate is too short (RSA: 2048 bits, elliptic curves: 256)",
    "CA_MD_TOO_WEAK": "its certificate is signed with a weak digest (SHA-256 or longer is needed)",
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "HTTP_REQUEST": "it does not speak TLS",
    "HTTPS_PROXY_REQUEST": "it does not speak TLS",
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": "a record was changed on its way",
    "SSLV3_ALERT_CLOSE_NOTIFY": "it ended the handshake",
}
_ALERTS: Final[Mapping[str, str]] = {
    "HANDSHAKE_FAILURE": "it accepts none of our cipher suites, or wants a certificate that we do not have",
    "PROTOCOL_VERSION": "it speaks neither TLS 1.2 nor TLS 1.3",
    "INSUFFICIENT_SECURITY": "it demands other cipher suites",
    "UNKNOWN_CA": "it does not trust the authority of our certificate",
    "CERTIFICATE_REQUIRED": "it demands a certificate, and we have shown none",
    "CERTIFICATE_EXPIRED": "it says that our certificate has expired",
    "CERTIFICATE_REVOKED": "it says that our certificate is revoked",
    "CERTIFICATE_UNKNOWN": "it does not accept our certificate",
    "BAD_CERTIFICATE": "it does not accept our certificate",
    "UNSUPPORTED_CERTIFICATE": "it does not accept our kind of certificate",
    "ACCESS_DENIED": "it does not accept our certificate",
    "UNRECOGNIZED_NAME": "it has no certificate for the name by which we call it",
    "DECRYPT_ERROR": "it could not verify our signature",
}
"""Alerts of the peer (RFC 8446 6.2), by the end of OpenSSL's name."""


def explain(error: ssl.SSLError) -> str:
    """Describe the failure of a handshake, or of a connection, as something that the peer does."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}".rstrip(". ")
    if isinstance(error, ssl.SSLEOFError):
        return "it closed the connection"
    reason = error.reason or ""
    if reason in _WORDS:
        return _WORDS[reason]
    _, is_alert, alert = reason.partition("_ALERT_")
    if is_alert:
        return _ALERTS.get(alert, f"it ended TLS with the alert {alert.lower().replace('_', ' ')}")
    return reason.lower().replace("_", " ") or str(error)
