"""What the settings of a bucket allow."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from config.disclosure import disclose
from config.errors import ConfigurationError
from config.settings import Settings
from config.storage import S3Settings

KEYS = {"access_key_id": "node", "secret_access_key": "hush"}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"endpoint": "http://s3.example"}, "allow_http"),
        ({"endpoint": "s3.example"}, "endpoint"),
        ({"access_key_id": "node"}, "belong together"),
        ({"secret_access_key_file": "/nowhere"}, "belong together"),
        (KEYS | {"secret_access_key_file": "/nowhere"}, "exclude each other"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
    ],
)
def test_what_cannot_be_meant_is_refused(keys, words):
    with pytest.raises(ValidationError, match=words):
        S3Settings(**keys)


@pytest.mark.parametrize(
    "url", ["s3://", "s3://bucket?x=1", "s3://key:secret@bucket", "s3://Bucket", "gs://bucket", "file://x"]
)
def test_a_place_is_a_folder_or_a_bucket(url):
    with pytest.raises(ValidationError):
        Settings(storage={"blobs_url": url})


def test_the_secret_comes_from_its_file_and_is_never_shown(tmp_path):
    file = tmp_path / "secret"
    file.write_text("hush\n")
    given = S3Settings(access_key_id="node", secret_access_key_file=file)
    assert given.make_config()["secret_access_key"] == "hush"
    settings = Settings(storage={"s3": KEYS})
    assert "hush" not in f"{disclose(settings)}{settings!r}"


def test_a_secret_that_cannot_be_read_is_named(tmp_path):
    given = S3Settings(access_key_id="node", secret_access_key_file=tmp_path / "missing")
    with pytest.raises(ConfigurationError, match=r"storage\.s3\.secret_access_key_file"):
        given.make_config()
