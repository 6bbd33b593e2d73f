"""`coronode ready`: what a container's health check is told."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


@pytest.fixture
def pages():
    """A server that answers /ready with a given status and body, as the web process does."""
    servers = []

    def start(code: int, faults: dict[str, str]) -> int:
        body = json.dumps({"ready": not faults, "faults": faults}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/ready"
                self.send_response(code)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def port_without_a_server() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        return bound.getsockname()[1]


@pytest.fixture
def ready(coronode, tmp_path):
    def ask(toml: str):
        file = tmp_path / "coronode.toml"
        file.write_text(toml)
        return coronode("ready", "--config", str(file))

    return ask


def test_a_node_that_works_is_ready(ready, pages):
    ended = ready(f"[web]\nport = {pages(200, {})}")
    assert ended.code == 0
    assert "ready" in ended.out


def test_pages_on_every_address_are_asked_on_this_machine(ready, pages):
    assert ready(f'[web]\nhost = "0.0.0.0"\nport = {pages(200, {})}').code == 0


def test_a_node_with_a_fault_says_which(ready, pages):
    ended = ready(f"[web]\nport = {pages(503, {'disk': 'free disk space is below the reserve'})}")
    assert ended.code == 1
    assert "disk: free disk space is below the reserve" in ended.err


def test_without_a_node_there_is_no_answer(ready, port_without_a_server):
    ended = ready(f"[web]\nport = {port_without_a_server}")
    assert ended.code == 1
    assert "is the node running?" in ended.err


def test_a_node_without_pages_is_ready_when_its_port_is_open(ready, mute, port_without_a_server):
    assert ready(f"[web]\nport = 0\n[node]\nport = {mute.port}").code == 0
    assert ready(f"[web]\nport = 0\n[node]\nport = {port_without_a_server}").code == 1


def test_an_answer_without_words_is_still_a_refusal(ready):
    class Broken(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(500)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ended = ready(f"[web]\nport = {server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
    assert ended.code == 1
    assert "500" in ended.err
