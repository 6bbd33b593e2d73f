"""The worker as a process: it scores, answers errors, dies alone, and lets itself be ended."""

import errno
import functools
import os
import threading
from contextlib import closing

import pytest
from pydicom import dcmread

from config.errors import ConfigurationError, CoronodeError, NotScorable, Transient
from config.settings import ScoringSettings, SelectionSettings
from scoring.result import Score
from scp.memory import limited_memory
from scp.work.requests import ScoreRequest
from scp.work.worker import Died, Failed, ProcessWorker, TookTooLong, answer, spawn


def request(files=(), **scoring) -> ScoreRequest:
    return ScoreRequest(tuple(files), ScoringSettings(**scoring), SelectionSettings())


def listen_and_never_answer(pipe) -> None:
    """A process that hangs."""
    while True:
        pipe.recv()


def end_at_the_first_request(pipe) -> None:
    """A process that an image kills."""
    pipe.recv()
    os._exit(3)


@pytest.fixture
def images(small_series, tmp_path):
    paths = []
    for number, image in enumerate(small_series):
        paths.append(tmp_path / f"{number}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def test_one_process_scores_several_series_and_refuses_in_between(images):
    with closing(spawn()) as worker:
        first = worker.ask(request(images), 120)
        assert Score.from_json(first).status == "scored"
        refusal = worker.ask(request(engine="mine"), 120)
        assert isinstance(refusal, ConfigurationError)
        assert "there is no engine named 'mine'" in str(refusal)
        assert worker.ask(request(images), 120) == first


def test_a_process_that_an_image_kills():
    with closing(ProcessWorker(end_at_the_first_request)) as worker:
        with pytest.raises(Died, match="exit code 3"):
            worker.ask(request(), 120)
        assert not worker.is_alive


def test_a_process_that_hangs():
    with closing(ProcessWorker(listen_and_never_answer)) as worker:
        with pytest.raises(TookTooLong):
            worker.ask(request(), 0.0)
        assert worker.is_alive


def test_a_process_that_is_ended_while_it_is_asked():
    with closing(ProcessWorker(listen_and_never_answer)) as worker:
        killing = threading.Thread(target=worker.kill)
        killing.start()
        with pytest.raises(Died, match="exit code -9"):
            worker.ask(request(), 120)
        killing.join()


def test_killing_one_that_is_closed_is_harmless():
    worker = ProcessWorker(listen_and_never_answer)
    worker.close()
    worker.kill()


def claim_size(images, rows, columns):
    for path in images:
        image = dcmread(path)
        image.Rows, image.Columns = rows, columns
        image.PixelSpacing = [400 / rows, 400 / columns]  # of a body, so that the size of the matrix decides
        image.save_as(path)


@pytest.mark.parametrize(
    ("rows", "code"),
    [(24_000, "too_large"), (65_535, "too_large"), (2_000, "unreadable_pixels")],
)
def test_a_series_that_claims_more_than_it_holds(images, rows, code):
    claim_size(images, rows, rows)
    with closing(spawn(1024)) as worker:
        answer = Score.from_json(worker.ask(request(images), 120))
        assert answer.reason_code == code
        assert worker.is_alive


def take_memory(pipe, *, memory_mb):
    """A process whose every request needs 1.5 GiB."""

    def handle(_):
        return len(bytearray(1536 << 20))

    with limited_memory(memory_mb):
        pipe.send(answer(handle, pipe.recv()))


@pytest.mark.parametrize("limited", [True, False])
def test_memory_beyond_the_limit_is_an_answer(limited):
    serve = functools.partial(take_memory, memory_mb=1024 if limited else None)
    with closing(ProcessWorker(serve)) as worker:
        found = worker.ask(request(), 120)
    assert (found.code == "out_of_memory") if limited else (found == 1536 << 20)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotScorable("contrast", variant="header", agent="OMNIPAQUE"), NotScorable),
        (ConfigurationError("no engine"), ConfigurationError),
        (ZeroDivisionError("oops"), Failed),
        (OSError("oops: a library's words"), Failed),
        (MemoryError("oops"), NotScorable),
        (OSError(errno.ENOMEM, "oops"), NotScorable),
    ],
)
def test_an_error_is_an_answer(error, kind):
    def handle(_):
        raise error

    reply = answer(handle, request())
    assert type(reply) is kind
    assert isinstance(error, CoronodeError) == (reply is error)
    if kind is Failed:
        assert (reply.words, "oops" in reply.trace) == (str(error), False)
        assert "in handle" in reply.trace
        assert reply.trace.endswith(type(error).__name__)
    else:
        assert reply is error or reply.code == "out_of_memory"


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.EIO, errno.ESTALE, errno.ENOSPC])
def test_a_disk_that_is_away_is_no_verdict(code):
    def handle(_):
        raise OSError(code, os.strerror(code), "/store/1.dcm")

    reply = answer(handle, request())
    assert type(reply) is Transient
    assert str(reply) == f"/store/1.dcm: {os.strerror(code)}"
