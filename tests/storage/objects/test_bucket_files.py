"""Objects in a bucket: durable once answered, read by their digest, and away is not lost."""

from __future__ import annotations

import errno
import os
import secrets
import sys
import threading

import obstore
import pytest

from config.errors import ConfigurationError, Rejected
from config.settings import Settings
from storage.objects.bucket import Bucket
from storage.objects.opening import open_files

NAME = "instances/ab/cd/one.dcm"
LARGE = 20 * 1024 * 1024


@pytest.fixture
def prefix():
    """A part of the bucket of the test's own."""
    return secrets.token_hex(8)


@pytest.fixture
def open_at(s3_service, prefix, tmp_path):
    """`open_at("here")`: the store as a machine sees it, each with a cache of its own."""

    def make(machine="here", **s3):
        storage = s3_service.settings(prefix, **s3) | {"cache_dir": tmp_path / machine, "cache_mb": 64}
        return open_files(Settings(node={"data_dir": tmp_path}, storage=storage))

    return make


@pytest.fixture
def files(open_at):
    return open_at()


def test_what_is_stored_is_read_on_another_machine(files, open_at):
    stored = files.write([b"data ", b"set"], NAME, preface=b"meta ")
    other = open_at("there")
    assert other.fetch(NAME, stored.size).read_bytes() == b"meta data set"
    assert files.fetch(NAME).read_bytes() == b"meta data set"
    assert list(other.list_names()) == [NAME]
    assert not list(files.root.glob("incoming/*/[!.]*"))


def test_a_large_object_goes_in_parts(files, open_at):
    content = os.urandom(LARGE)
    files.write(content, NAME)
    assert open_at("there").fetch(NAME).read_bytes() == content


def test_a_repetition_is_harmless(files, open_at):
    files.write(b"same", NAME)
    files.write(b"same", NAME, preface=b"another sender's ")
    other = open_at("there")
    assert other.fetch(NAME).read_bytes() == b"another sender's same"


def test_a_copy_of_another_size_is_fetched_anew(files, open_at):
    files.write(b"short", NAME)
    other = open_at("there")
    other.fetch(NAME)
    files.write(b"longer one", NAME)
    assert other.fetch(NAME, 5).read_bytes() == b"short"
    assert other.fetch(NAME, 10).read_bytes() == b"longer one"


def test_an_object_that_came_to_harm_is_not_read(files, open_at):
    files.write(b"as it was", NAME)
    obstore.put(files._bucket._store, NAME, b"as it is!", attributes={"sha256": "0" * 64})
    with pytest.raises(OSError, match="other bytes"):
        open_at("there").fetch(NAME)
    assert not list((files.root.parent / "there").glob("incoming/*/[!.]*"))


def test_links_quarantine_and_removal(files, open_at):
    files.write(b"bytes", NAME)
    files.link(NAME, "instances/second.dcm")
    aside = files.quarantine(NAME)
    assert files.quarantine(NAME) == aside
    assert sorted(files.list_names()) == ["instances/second.dcm", "quarantine/one.dcm"]
    assert open_at("there").fetch(aside).read_bytes() == b"bytes"
    assert not files.has(NAME)
    files.remove("instances/second.dcm")
    files.remove("instances/second.dcm")
    files.remove_all([aside, "instances/never.dcm"])
    assert list(files.list_names()) == []
    with pytest.raises(FileNotFoundError):
        files.fetch(aside)
    with pytest.raises(Rejected):
        files.quarantine("instances/never.dcm")


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "instances/../../x", "", ".", "x", "instances//y"])
def test_a_name_that_leads_out_is_an_error(files, name):
    for use in (files.fetch, files.path, files.remove):
        with pytest.raises(ValueError, match="inside the store"):
            use(name)


def test_a_series_is_fetched_in_order(files, open_at):
    names = [f"instances/s/{number}.dcm" for number in range(30)]
    for name in names:
        files.write(name.encode(), name)
    found = open_at("there").fetch_all(names)
    assert [path.read_bytes().decode() for path in found] == names


@pytest.mark.parametrize(
    ("s3", "words"),
    [
        ({"secret_access_key": "wrong"}, "refuses these credentials"),
        ({"access_key_id": "nobody"}, "refuses these credentials"),
        ({"access_key_id": "guest-access", "secret_access_key": "guest-secret"}, "refuses these credentials"),
    ],
)
def test_refused_credentials_are_said_in_words(open_at, s3, words):
    files = open_at(**s3)
    with pytest.raises(PermissionError, match=words):
        files.check()
    with pytest.raises(Rejected, match=words) as refused:
        files.write(b"x", NAME)
    assert refused.value.status == 0xA700


def test_a_bucket_that_does_not_exist_is_said_in_words(s3_service, tmp_path):
    section = s3_service.settings("x") | {"blobs_url": "s3://missing/x", "cache_dir": tmp_path / "cache"}
    files = open_files(Settings(node={"data_dir": tmp_path}, storage=section))
    with pytest.raises(FileNotFoundError, match="no such bucket"):
        files.check()
    with pytest.raises(Rejected, match="no such bucket"):
        files.write(b"x", NAME)


def test_a_service_that_is_killed_loses_nothing_and_is_waited_for(s3_service, files, open_at):
    files.write(b"before", NAME)
    s3_service.kill()
    try:
        assert not files.is_present()
        with pytest.raises(Rejected) as refused:
            files.write(b"during", "instances/during.dcm")
        assert refused.value.status == 0xA700
        assert len(refused.value.reason) <= 64
        assert "does not answer" in refused.value.reason
        with pytest.raises(OSError, match="does not answer") as away:
            open_at("there").fetch(NAME)
        assert away.value.errno == errno.EIO
        assert files.fetch(NAME).read_bytes() == b"before"  # from the copy
    finally:
        s3_service.start()
    files.write(b"after", "instances/after.dcm")
    other = open_at("again")
    assert other.fetch(NAME).read_bytes() == b"before"
    assert sorted(other.list_names()) == ["instances/ab/cd/one.dcm", "instances/after.dcm"]


def test_the_extra_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "obstore", None)
    storage = {"blobs_url": "s3://bucket/x"}
    with pytest.raises(ConfigurationError, match=r"coronode\[s3\]"):
        open_files(Settings(node={"data_dir": tmp_path}, storage=storage))


def test_many_threads_store_side_by_side(files, open_at):
    def store(number):
        files.write(str(number).encode() * 1000, f"instances/t/{number}.dcm")

    threads = [threading.Thread(target=store, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(open_at("there").list_names())) == 8


def test_a_bucket_needs_no_prefix(s3_service):
    bucket = Bucket("s3://objects", Settings(storage=s3_service.settings("x")).storage.s3)
    assert bucket.place == "s3://objects"
    assert not bucket.has("instances/none.dcm")


def test_what_is_asked_for_anew_is_what_the_service_has(files, open_at):
    files.write(b"first", NAME)
    other = open_at("there")
    other.fetch(NAME)
    files.write(b"later", NAME)
    assert other.fetch(NAME).read_bytes() == b"first"
    assert other.fetch(NAME, anew=True).read_bytes() == b"later"
