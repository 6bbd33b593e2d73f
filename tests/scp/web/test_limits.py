"""How much a request may send, and how slowly: nobody keeps others from the pages."""

from __future__ import annotations

import anyio
import pytest
from fastapi import HTTPException, Request

from scp.web import limits

KIB = 1024


def parts(count: int, size: int = KIB):
    """A body without a declared length."""
    yield from (b"x" * size for _ in range(count))


@pytest.fixture
def probed(web):
    """The application with a path that reads its body, and a path of DICOMweb that does."""

    @web.client.app.post("/dicom-web/probe")
    @web.client.app.post("/probe")
    async def probe(request: Request):
        return {"bytes": sum([len(part) async for part in request.stream()])}

    web.client.headers["Content-Type"] = "application/octet-stream"
    return web


@pytest.mark.parametrize("declared", [True, False])
def test_a_form_has_a_limit(probed, declared):
    small, large = 4096 * KIB, 4096 * KIB + 1
    for size, status in ((small, 200), (large, 413)):
        content = b"x" * size if declared else parts(1, size)
        assert probed.client.post("/probe", content=content).status_code == status


@pytest.mark.parametrize("declared", [True, False])
def test_whoever_has_not_signed_in_sends_little(probed, declared):
    stranger = probed.browser()
    assert probed.sign_in("review").post("/probe", content=b"x" * 100 * KIB).status_code == 200
    content = b"name=" + b"x" * 65 * KIB
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = stranger.post("/sign-in", content=content if declared else iter([content]), headers=headers)
    assert answer.status_code == 413


def test_objects_may_be_as_large_as_by_c_store(new_web):
    web = new_web(node={"longest_object_mb": 5})

    @web.client.app.post("/dicom-web/probe")
    def probe():
        return {}

    headers = {"Content-Type": "application/dicom"}
    for size, status in ((5120 * KIB, 200), (5120 * KIB + 1, 413)):
        assert web.client.post("/dicom-web/probe", content=b"x" * size, headers=headers).status_code == status


@pytest.mark.parametrize("length", ["-1", "1e9", "0x10", "99999999999999999999", "\N{SUPERSCRIPT TWO}".encode()])
def test_a_length_that_is_none_is_refused(probed, length):
    answer = probed.client.post("/probe", content=b"x", headers={"Content-Length": length})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_many_fields_of_a_form_are_refused(web):
    form = {f"field{number}": "x" for number in range(5000)}
    assert web.client.post("/preferences", data=form).status_code == 400


def test_a_body_that_stops_or_drips_is_ended(monkeypatch):
    monkeypatch.setattr(limits, "_SILENT_SECONDS", 0.01)

    async def silent():
        await anyio.sleep_forever()

    async def drip():
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read(receive, times):
        bounded = limits._Bounded(receive, 1000, slowest=100)
        bounded._begin -= limits._GRACE_SECONDS + 10
        for _ in range(times):
            await bounded.receive()

    with pytest.raises(HTTPException) as stopped:
        anyio.run(read, silent, 1)
    with pytest.raises(HTTPException) as slow:
        anyio.run(read, drip, 1)
    assert (stopped.value.status_code, slow.value.status_code) == (408, 408)
