"""The words of report and letter: complete in every language, replaceable, and refused when wrong."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from config.errors import ConfigurationError
from config.results import ResultsSettings
from scoring.report.common import texts
from scoring.report.typeset import site

ENGLISH, GERMAN = texts.load("en"), texts.load("de")


def own(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "texts.toml"
    path.write_text(content, "utf-8")
    return path


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts_with_the_same_placeholders():
    assert ENGLISH.words.keys() == GERMAN.words.keys()
    for key, text in ENGLISH.words.items():
        assert placeholders(text) == placeholders(GERMAN.words[key]), key


def test_no_text_is_empty_and_no_german_one_is_left_english():
    assert all(text for text in (*ENGLISH.words.values(), *GERMAN.words.values()))
    bare = {key: re.sub(r"{.*?}", "", text) for key, text in ENGLISH.words.items()}
    same = {
        key for key, text in ENGLISH.words.items() if GERMAN.words[key] == text and re.search("[a-z]{4}", bare[key])
    }
    alike = {"paper", "agatston", "verdict", "verdict_share", "software", "logo", "pixel", "mass_factor_patient"}
    alike |= {"version_head", "do_window_mediastinum", "why_localizer"}
    assert {key.split(".")[1] for key in same} <= alike


def test_a_site_replaces_one_text_and_keeps_the_others(tmp_path):
    mine = texts.load("en", own(tmp_path, '[report]\ntitle = "Kalzium-Bericht"\nage = "Age (y)"\n'))
    assert (mine("report.title"), mine("report.age"), mine("report.sex")) == ("Kalzium-Bericht", "Age (y)", "Sex")


def test_a_site_chooses_the_digits_of_a_number(tmp_path):
    mine = texts.load("de", own(tmp_path, '[flags]\ntilt = "{angle_deg:.2f} Grad"\n'))
    assert mine("flags.tilt", angle_deg=12.5) == "12,50 Grad"


def test_a_site_may_leave_a_text_of_the_letter_out(tmp_path):
    assert texts.load("en", own(tmp_path, '[letter]\nexact = ""\n'))("letter.exact") == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[report]\ntitel = "x"\n', r"texts.toml: report.titel: unknown key; allowed: .*title"),
        ('[words]\ntitle = "x"\n', r"texts.toml: words: unknown section; allowed: format, .*letter"),
        ('report = "x"\n', r"report: is not a section"),
        ("[report]\ntitle = 3\n", r"report.title: 3; allowed: a text"),
        ('[report]\ntitle = " "\n', r"report.title: ' '; allowed: a text"),
        ('[letter]\ndecides = ""\n', r"letter.decides: ''; allowed: a text"),
        ('[report]\ncac_drs = "CAC-DRS"\n', r"report.cac_drs: lacks placeholder \{cac_drs\}"),
        ('[report]\ncac_drs = "{cac_drs} {name}"\n', r"has unknown placeholder \{name\}; placeholders .*: \{cac_drs\}"),
        ('[report]\ntitle = "{0}"\n', r"report.title: braces are for placeholders"),
        ('[report]\ntitle = "{"\n', r"report.title: braces are for placeholders"),
        ('[report]\ncac_drs = "{cac_drs.x}"\n', r"report.cac_drs: braces are for placeholders"),
        ('[report]\ncac_drs = "{cac_drs:>9}"\n', r"report.cac_drs: braces are for placeholders"),
        ('[format]\nmonths = ["January"]\n', r"format.months: allowed: a list of 12 names"),
        ('[format]\npaper = "a3"\n', r"format.paper: 'a3'; allowed: 'a4', 'us-letter'"),
        ('[flags]\nduplicates = "twice"\n', r"flags.duplicates: lacks placeholder \{count\}"),
        (
            '[flags]\ntilt = "{angle_deg:.1e}"\n',
            r"flags.tilt: braces are for placeholders like .* \{name:.1f\}",
        ),
        (
            '[sentences]\n"{kvp} kVp" = "kVp"\n',
            r"\[sentences\] is no longer read: .* \[statements\]",
        ),
        ("[report\n", r"is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key_and_what_is_allowed(tmp_path, content, told):
    with pytest.raises(ConfigurationError, match=told):
        texts.load("en", own(tmp_path, content))


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"results.texts: .*nowhere.toml cannot be read"):
        texts.load("en", tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'[report]\ntitle = "\xfc"\n')
    with pytest.raises(ConfigurationError, match=r"latin.toml is not UTF-8 text \(byte 18\)"):
        texts.load("en", tmp_path / "latin.toml")


@given(st.floats(-1e6, 1e6), st.integers(0, 3))
def test_numbers_follow_the_language_and_keep_their_value(value, digits):
    told = GERMAN.number(value, digits)
    assert "." not in told
    assert float(told.replace(",", ".")) == pytest.approx(round(value, digits))
    signed = GERMAN.signed(value, digits).replace("\N{MINUS SIGN}", "-").replace(",", ".")
    assert float(signed) == pytest.approx(round(value, digits))
    assert (signed[0] in "+-") == (float(f"{value:.{digits}f}") != 0)


def test_dates_follow_the_language_and_nonsense_stays_as_it_is():
    assert (ENGLISH.date("2026-03-05"), GERMAN.date("2026-03-05")) == ("5 March 2026", "5. März 2026")
    assert (ENGLISH.date("soon"), ENGLISH.date("2026-99-01")) == ("soon", "2026-99-01")


def test_what_no_font_can_show_is_refused_at_the_start(tmp_path):
    site.check(ResultsSettings(institution="Klinikum Süd, Łódź"))
    with pytest.raises(ConfigurationError, match=r"results.institution: no font has a sign for 病院; .* results.fonts"):
        site.check(ResultsSettings(institution="病院 Mitte"))
    words = own(tmp_path, '[letter]\ntitle = "心"\n')
    with pytest.raises(ConfigurationError, match=r"results.texts: letter.title: no font has a sign for 心"):
        site.check(ResultsSettings(texts=words))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("logo.png", b"no picture", "cannot be used; allowed: a PNG or JPEG picture"),
        ("logo.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "cannot be used; allowed: a PNG or JPEG picture"),
        ("logo.png", bytes(1024 * 1024 + 1), "has 1048577 bytes; allowed: at most 1048576"),
        ("logo.png", None, "cannot be read"),
    ],
)
def test_a_logo_that_cannot_be_printed_is_refused_at_the_start(tmp_path, name, content, told):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"results.logo: .*{name} {told}"):
        site.check(ResultsSettings(logo=path))


def test_a_logo_of_too_many_pixels_is_refused(tmp_path):
    Image.new("1", (4001, 4000)).save(tmp_path / "wide.png")
    with pytest.raises(ConfigurationError, match="has 4001 x 4000 pixels; allowed: at most 16000000 in all"):
        site.check(ResultsSettings(logo=tmp_path / "wide.png"))


def test_a_folder_without_fonts_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"results.fonts: .* has no font that can be used; allowed: .ttf"):
        site.check(ResultsSettings(fonts=tmp_path))
    with pytest.raises(ConfigurationError, match=r"results.fonts: .*nowhere is no folder that can be read"):
        site.check(ResultsSettings(fonts=tmp_path / "nowhere"))
