"""The process that encodes objects anew: what happens when it crashes, hangs, or is refused an object."""

import os
import time

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from config.errors import Permanent, Transient
from scp.services.retrieve.transcoding import Done, Transcoder

pytestmark = pytest.mark.component


def crash_once(pipe):
    job = pipe.recv()
    if job.source.name == "crash":
        os._exit(11)
    job.target.write_bytes(b"done")
    pipe.send(Done(""))
    pipe.recv()


def hang(pipe):
    pipe.recv()
    time.sleep(600)


def test_a_crash_costs_one_object(tmp_path):
    transcoder = Transcoder(serve=crash_once)
    with transcoder.using():
        with pytest.raises(Permanent, match="the decoder crashed"):
            transcoder.encode(tmp_path / "crash", ExplicitVRLittleEndian, tmp_path / "out")
        transcoder.encode(tmp_path / "fine", ExplicitVRLittleEndian, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"done"


def test_a_decoder_that_hangs_is_ended(tmp_path):
    transcoder = Transcoder(serve=hang, seconds=0.2)
    with transcoder.using(), pytest.raises(Transient, match="was not decoded"):
        transcoder.encode(tmp_path / "x", ExplicitVRLittleEndian, tmp_path / "out")
    assert transcoder._process is None


def test_the_process_runs_as_long_as_somebody_uses_it(tmp_path):
    transcoder = Transcoder(serve=crash_once)
    with transcoder.using():
        with transcoder.using():
            transcoder.encode(tmp_path / "fine", ExplicitVRLittleEndian, tmp_path / "out")
        process, _ = transcoder._process
        assert process.is_alive()
    assert transcoder._process is None


def test_a_file_that_is_no_object(tmp_path):
    (tmp_path / "x").write_bytes(b"no DICOM")
    transcoder = Transcoder()
    with transcoder.using(), pytest.raises(Permanent, match="cannot be decoded: its file is damaged"):
        transcoder.encode(tmp_path / "x", ExplicitVRLittleEndian, tmp_path / "out")
