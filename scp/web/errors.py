"""Errors as answers: a page for people, JSON for scripts, always in words for whoever can act."""

from __future__ import annotations

import traceback
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from config.errors import CoronodeError, Rejected, Transient
from scp.web.accounts.turning import turn_to_sign_in
from scp.web.rendering import render

log = structlog.get_logger(__name__)

_FOR_SCRIPTS: Final = ("/api/", "/dicom-web/", "/health", "/ready", "/metrics")


def handle(app: FastAPI) -> None:
    """Let the application answer every error in our words."""
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(CoronodeError, _answer_own)
    app.add_exception_handler(Exception, _answer_unforeseen)


def answer(request: Request, status: int, words: str = "") -> Response:
    """Answer an error: `words` say what was wrong and what to do, beside what the status means."""
    if request.url.path.startswith(_FOR_SCRIPTS):
        return JSONResponse({"error": words or HTTPStatus(status).phrase}, status)
    return render(request, "error.html", status, status=status, words=words)


def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    words = "" if error.detail == HTTPStatus(error.status_code).phrase else str(error.detail)
    if turned := turn_to_sign_in(request, error.status_code):
        return turned
    response = answer(request, error.status_code, words)
    response.headers.update(error.headers or {})
    return response


def _answer_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    wrong = "; ".join(f"{'.'.join(map(str, item['loc'][1:]))}: {item['msg']}" for item in error.errors())
    return answer(request, 422, wrong)


def _answer_own(request: Request, error: Exception) -> Response:
    status = 503 if isinstance(error, Transient) else 400 if isinstance(error, Rejected) else 409
    return answer(request, status, str(error))


def _answer_unforeseen(request: Request, error: Exception) -> Response:
    # the path may name a patient, and the error's words may repeat a header's values: where it arose says enough
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("a page failed", error=type(error).__name__, exception=where)
    return answer(request, 500)
