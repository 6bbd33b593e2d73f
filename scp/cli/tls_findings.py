"""What `coronode doctor` checks of DICOM over TLS: the files, how long they are valid, and the certificate's names."""

from __future__ import annotations

from collections.abc import Iterator

from config.errors import ConfigurationError
from config.settings import Settings
from scp.cli.finding import Finding, failed, passed


def check_tls(settings: Settings) -> Iterator[Finding]:
    """Check each file of certificates; nothing where TLS is not configured."""
    tls = settings.node.tls
    if not tls.is_configured:
        return
    from scp.expiry import list_named
    from scp.installation import utc_now
    from scp.network.tls.credentials import load_credentials
    from scp.network.tls.profiles import PROFILES

    now = utc_now()
    try:
        load_credentials(tls)
        profile = PROFILES[tls.profile]
        demand = "callers must show a certificate" if tls.require_certificate else "callers need no certificate"
        yield passed("tls", f"{profile.title} (PS3.15 {profile.clause}); {demand}")
        for named in list_named(settings, now):
            is_valid = named.is_valid(now)
            yield Finding(
                is_valid, "certificate", f"{named.setting}: {named.describe(now)}", is_valid and named.ends_soon(now)
            )
    except ConfigurationError as error:
        yield failed("tls", str(error))
