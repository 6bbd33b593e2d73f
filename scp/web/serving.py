"""What runs in the web process: the server, over an index and files of its own."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from config.errors import ConfigurationError
from config.settings import Settings
from config.web import WebSettings
from dicom.process import configure_process
from scp import logs, privacy
from scp.installation import utc_now
from scp.web.app import create_app
from scp.web.certificate import check_certificate, watch_certificate
from scp.web.connections import MOST_CONNECTIONS, PunctualProtocol
from scp.web.link import Failed, NodeLink
from scp.web.services import Services
from storage.database.opening import open_database
from storage.series.store import open_store

log = structlog.get_logger(__name__)

_NICENESS: Final = 10
"""Receiving goes before pages where both want the processor."""
_BACKLOG: Final = 128
_LAST_REQUESTS_SECONDS: Final = 2
_SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2: those with forward secrecy and authenticated encryption, as all of TLS 1.3."""


def serve(pipe: Connection, news: Connection, settings: Settings) -> None:
    """Serve until the node ends this process, or ends itself; tells it where the port cannot be bound.

    Further settings come by `news`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends this process
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.nice(_NICENESS)
    privacy.create_closed()
    configure_process()
    logs.configure(settings.node.log_level, settings.node.log_format)
    logs.capture_last_words()
    # its only errors are those of our pages, which `errors.py` logs without the values that they may repeat
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    try:
        listener = _listen(settings.web)
    except OSError as error:
        pipe.send(Failed(f"cannot listen on web.port: {os.strerror(error.errno or 0)}"))
        return
    try:
        check_certificate(settings.web)
    except ConfigurationError as error:
        pipe.send(Failed(str(error)))
        return
    database = open_database(settings)
    services = Services(settings, database, open_store(settings, database), utc_now, NodeLink(pipe))
    app = create_app(services)
    server = _make_server(app, services)
    server.config.load()
    threading.Thread(target=_hear, args=(news, app), daemon=True).start()
    if server.config.ssl is not None:
        arguments = (server.config.ssl, settings.web, threading.Event())
        threading.Thread(target=watch_certificate, args=arguments, daemon=True).start()
    with listener:
        log.info("pages", address=settings.web.address)
        server.run(sockets=[listener])
    database.close()


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)


def _hear(news: Connection, app: FastAPI) -> None:
    """Serve further requests by each configuration that comes; a request under way goes on by its own."""
    while True:
        try:
            settings: Settings = news.recv()
        except (EOFError, OSError):
            return
        logs.configure(settings.node.log_level, settings.node.log_format)
        app.state.services = replace(app.state.services, settings=settings)


def _make_server(app: FastAPI, services: Services) -> uvicorn.Server:
    web = services.settings.web
    # an access log would repeat what was searched for: names and IDs of patients
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            http=PunctualProtocol,
            ws="none",
            limit_concurrency=MOST_CONNECTIONS,
            proxy_headers=bool(web.proxies),
            forwarded_allow_ips=list(web.proxies),
            ssl_certfile=web.certificate,
            ssl_keyfile=web.private_key,
            ssl_ciphers=_SUITES,
            timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        )
    )


def _die_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
