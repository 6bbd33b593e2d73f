"""What `coronode doctor` checks of the pages: who can reach them, and how."""

from __future__ import annotations

from collections.abc import Iterator

from config.errors import ConfigurationError
from config.host import is_loopback
from config.settings import Settings
from scp.cli.finding import Finding, failed, passed


def check_web(settings: Settings) -> Iterator[Finding]:
    """Check the certificate of the pages, and say from where they are answered; nothing where there are none."""
    web = settings.web
    if not web.port:
        return
    from scp.web.certificate import check_certificate

    place = f"{web.host}:{web.port}"
    try:
        check_certificate(web)
    except ConfigurationError as error:
        yield failed("web", str(error))
        return
    if web.certificate is not None:
        yield passed("web", f"pages at https://{place}")
    elif web.proxies:
        yield passed("web", f"pages at http://{place}, for other machines through {', '.join(web.proxies)}")
    elif is_loopback(web.host):
        yield passed("web", f"pages at http://{place}, for this machine alone")
    else:
        finding = (
            f"http://{place} answers other machines with health and metrics alone; for pages set web.certificate and "
            "web.private_key, or web.proxies for a reverse proxy that speaks HTTPS"
        )
        yield Finding(ok=True, check="web", finding=finding, warning=True)
