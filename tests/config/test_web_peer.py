"""Peers that are web services: what may stand in their section, and what is shown of it."""

import pytest

from config.disclosure import HIDDEN, disclose
from config.errors import ConfigurationError
from config.load import load

URL = 'url = "https://pacs.example/dicom-web"'


def read(tmp_path, *lines):
    file = tmp_path / "coronode.toml"
    file.write_text("\n".join(["[peers.PACS]", *lines]))
    return load(file)


def test_a_url_is_enough_and_makes_a_destination(tmp_path):
    settings = read(tmp_path, URL, "[results]", 'destinations = ["PACS"]')
    assert settings.peers["PACS"].url == "https://pacs.example/dicom-web"
    assert settings.callers == {}


def test_secrets_are_not_shown(tmp_path):
    settings = read(tmp_path, URL, 'token = "a secret"')
    assert "a secret" not in repr(settings)
    shown = disclose(settings)["peers"]["PACS"]
    assert shown["token"] == HIDDEN
    assert "ae_title" not in shown


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([URL, 'host = "pacs"'], "host is for a peer that is called by DICOM associations"),
        ([URL, "commit = true"], "commit is for a peer"),
        ([URL, 'services = ["query"]'], "services"),
        ([URL, 'token = "a"', 'token_file = "b"'], "exclude each other"),
        ([URL, 'user = "a"'], "belong together"),
        ([URL, 'token = "a"', 'user = "a"', 'password = "b"'], "a token and a password"),
        (['url = "http://pacs.example/x"', 'token = "a"'], "use https"),
        (['url = "https://a:b@pacs.example/x"'], "do not belong there"),
        (['url = "ftp://pacs.example/x"'], "the base of its DICOMweb services"),
        (['url = "nonsense"'], "the base of its DICOMweb services"),
        (['ae_title = "PACS"', 'host = "pacs"', 'token = "hidden"'], "token is for a web service"),
        (['ae_title = "PACS"'], "host: is missing"),
    ],
)
def test_what_does_not_go_together(tmp_path, lines, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        read(tmp_path, *lines)
    assert "hidden" not in str(raised.value)
