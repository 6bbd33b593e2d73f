"""Report and letter as PDF: what they say, whom they name, and that any reader and any archive takes them."""

from __future__ import annotations

import io
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset
from pypdf import PdfReader

from scoring.report.common.request import ReportRequest
from scoring.report.pictures import overlay
from scoring.report.printed import letter, pdf, person
from scoring.report.typeset.faces import faces
from scoring.result import ARTERIES, Flag, ImageRef, Risk, Statement

CREATED = datetime(2026, 1, 6, 7, 8, 9, 120000, tzinfo=UTC)
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


@pytest.fixture
def request_of():
    return lambda **values: ReportRequest(version=1, created=CREATED, **values)


@pytest.fixture
def german(request_of):
    return request_of(language="de")


def text_of(content: bytes) -> str:
    """All words of a PDF, spaces made single."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def pages_of(content: bytes) -> int:
    return len(PdfReader(io.BytesIO(content)).pages)


def printed(value: float) -> str:
    return f"{value:.1f}"


@pytest.mark.parametrize("name", ["0", "3", "250", "1800"])
def test_the_report_has_every_number_of_the_result(scores, name, sources, first, pixels):
    score = scores[name]
    told = text_of(pdf.report_pdf(score, first, headers=sources, pixels=pixels))
    for artery in ARTERIES:
        count = sum(lesion.artery == artery for lesion in score.lesions)
        mass = NOTHING if score.mass_mg is None else printed(score.mass_mg.of(artery))
        cells = (str(count), printed(score.agatston.of(artery)), printed(score.volume_mm3.of(artery)), mass)
        assert re.search(rf"{artery} ?[A-Z][a-z ]+{' '.join(map(re.escape, cells))}", told), (artery, told)
    total = f"All coronary arteries {len(score.lesions)} {printed(score.agatston.total)}"
    assert f"{total} {printed(score.volume_mm3.total)}" in told
    assert f"Agatston score {score.agatston.total:.0f}" in told
    assert f"Category {score.category}:" in told
    assert f"CAC-DRS {score.cac_drs}" in told


def test_the_report_has_percentile_risk_and_change_with_their_sources(full, sources, first):
    told = text_of(pdf.report_pdf(full, first, headers=sources))
    assert "Percentile 50th to 75th, about 64" in told
    assert "MESA: men, white, 70 years, without clinical disease. 83 % of them have coronary calcium." in told
    assert "25th, 50th, 75th, 90th percentile: 21, 145, 540, 1345." in told
    assert "Arterial age 79.2 years" in told
    assert "10-year risk of coronary heart disease (MESA): 10.4 %; without the score 8.6 %." in told
    change = full.change.agatston
    assert "Since 4 January 2025 (12 months earlier)" in told
    assert f"Agatston {printed(change.then)} {printed(change.now)} +{printed(change.absolute)}" in told
    assert "Within the variation between repeated scans (113.2)." in told
    assert "Square root of the volume: +0.46, no progression (from 2.5)." in told
    assert "Differences: tube voltage: 120 then, 100 now." in told
    for source in (
        "Circulation 2006;113:30",
        "Am J Cardiol 2009;103:59",
        "J Am Coll Cardiol 2015;66:1643",
        "AJR 2008",
        "J Am Coll Cardiol 1990;15:827",
    ):
        assert source in told


def test_the_report_says_why_something_is_not_there(scores, sources, first):
    reasons = Risk(
        ten_year_reason=Statement.build("patient_unknown", missing=("age",)),
        percentile_reason=Statement.build("patient_unknown", missing=("sex",)),
        change_reason=(Statement(text="no earlier one"),),
    )
    told = text_of(pdf.report_pdf(replace(scores["3"], risk=reasons), first, headers=sources))
    assert "No percentile. Not known for this patient: sex." in told
    assert "No 10-year risk. Not known for this patient: age." in told
    assert "No comparison with an earlier scan. No earlier one." in told
    assert "No remarks on the images." in told


def test_the_report_has_warning_technique_method_and_flags(scores, sources, request_of):
    request = request_of(warning_text="Only to try out", institution="Klinik Süd")
    content = pdf.report_pdf(scores["250"], request, headers=sources)
    told = text_of(content)
    assert told.count("Only to try out") == pages_of(content) + 1
    assert "Klinik Süd" in told
    assert "Automated result, to be confirmed by a physician." in told
    assert told.index("Caution Tube voltage is 100 kVp.") < told.index("Note Calcium in the left main.")
    assert "120 kVp, 80 mAs" in told
    method = "from 130 HU, areas of at least 1 mm², 8 neighbours, slices weighted by spacing / 3 mm, volume: voxels"
    assert method in told
    assert "mass: 0.778 mg/cm³ per HU, from (0018,9352) medium" in told
    whole = printed(scores["250"].mass_integrated_mg.total)
    assert f"mass without threshold: {whole} mg" in told


def test_the_report_says_that_slabs_were_scored(scores, sources, first):
    provenance = replace(scores["250"].provenance, slab_slices=4, slab_mm=3.2)
    told = text_of(pdf.report_pdf(replace(scores["250"], provenance=provenance), first, headers=sources))
    assert "slices weighted by spacing / 3 mm, scored on means of 4 slices, every 3.2 mm, volume: voxels" in told


def test_the_german_report_has_german_words_numbers_and_dates(full, sources, german):
    told = text_of(pdf.report_pdf(full, german, headers=sources))
    for words in ("Koronarkalk", "29. Februar 1960 (70 Jahre)", "Perzentile 50 bis 75, etwa 64", "150,0", "+41,7"):
        assert words in told
    assert "NUR FÜR DIE FORSCHUNG: kein Medizinprodukt" in told
    assert not re.search(r"\d\.\d", re.sub(r"\d+(\.\d+){2,}", "", told).replace("0.1.0", ""))


def test_a_loss_is_printed_with_a_minus(full, sources, first):
    less = replace(full.change, agatston=replace(full.change.agatston, absolute=-41.65, per_year=-41.5))
    told = text_of(pdf.report_pdf(replace(full, change=less), first, headers=sources))
    assert f"{MINUS}41.6" in told
    assert f"{MINUS}41.5" in told


def many_flags(score):
    text = "iterative reconstruction (ADMIRE 5): a strong one lowers the score, which is said at some length here"
    return replace(score, flags=tuple(Flag(f"f{number}", "warning", text) for number in range(12)))


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_fullest_report_fits_two_pages_and_the_letter_one(full, header_of, request_of, pixels, language):
    long = header_of(0, PatientName="W" * 64, PatientID="X" * 64, StudyDescription="Description " * 5)
    request = request_of(language=language, institution="Institution, Department of Radiology, " * 4)
    caveats = full.percentile.caveats * 5
    score = many_flags(replace(full, percentile=replace(full.percentile, caveats=caveats)))
    assert pages_of(pdf.report_pdf(score, request, headers=[long], pixels=pixels)) == 2
    assert pages_of(letter.letter_pdf(score, request, headers=[long])) == 1


@pytest.mark.parametrize("name", ["0", "3", "250", "1800"])
def test_a_short_report_is_on_one_page_or_two(scores, name, sources, first, pixels):
    assert pages_of(pdf.report_pdf(scores[name], first, headers=sources, pixels=pixels)) <= 2


def test_every_page_names_the_patient(full, sources, first, pixels):
    content = pdf.report_pdf(many_flags(full), first, headers=sources, pixels=pixels)
    reader = PdfReader(io.BytesIO(content))
    assert len(reader.pages) == 2
    for page in reader.pages:
        assert "Grün, Zoë · 0042 · 29 February 1960" in " ".join(page.extract_text().split())


def test_pdfs_are_tagged_archivable_and_have_no_script_or_link(full, sources, german, pixels):
    for content in (
        pdf.report_pdf(full, german, headers=sources, pixels=pixels),
        letter.letter_pdf(full, german, headers=sources),
    ):
        root = PdfReader(io.BytesIO(content)).trailer["/Root"]
        assert root["/MarkInfo"]["/Marked"]
        assert root["/StructTreeRoot"]["/K"]
        assert root["/Lang"] == "de"
        metadata = root["/Metadata"].get_data().decode()
        assert re.search(r"pdfaid:part[^0-9]*2", metadata)
        assert re.search(r"pdfuaid:part[^0-9]*1", metadata)
        assert not {"/OpenAction", "/AA", "/AcroForm", "/Names"} & root.keys()
        fonts = [font for page in PdfReader(io.BytesIO(content)).pages for font in page["/Resources"]["/Font"].values()]
        assert fonts
        assert all("/ToUnicode" in font.get_object() for font in fonts)


def test_charts_and_pictures_have_words_for_those_who_do_not_see_them(full, sources, first, pixels):
    told = structure(PdfReader(io.BytesIO(pdf.report_pdf(full, first, headers=sources, pixels=pixels))))
    assert "Scale of the four categories: the score of 250 lies in category 101-400, moderate." in told
    assert any(one.startswith("Agatston score by age in years") for one in told)
    assert "Agatston score over time: 208 on 4 January 2025, 250 on 5 January 2026." in told
    assert any(one.startswith("CT slice 2 of 6 with the counted calcium outlined: LM 20.3, LAD 150.0") for one in told)


def structure(reader: PdfReader) -> list[str]:
    """Alternative descriptions in the structure tree."""
    told, waiting = [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while waiting:
        node = waiting.pop().get_object()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            told += [str(node["/Alt"])] if "/Alt" in node else []
            waiting += [node["/K"]] if "/K" in node else []
    return told


def test_the_same_input_gives_the_same_bytes_and_another_moment_other_ones(full, sources, first, pixels):
    made = [pdf.report_pdf(full, first, headers=sources, pixels=pixels) for _ in range(2)]
    assert made[0] == made[1]
    assert letter.letter_pdf(full, first, headers=sources) == letter.letter_pdf(full, first, headers=sources)
    later = replace(first, created=CREATED.replace(year=2027))
    assert pdf.report_pdf(full, later, headers=sources, pixels=pixels) != made[0]


def test_dates_stand_in_the_time_zone_of_the_study(scores, header_of, request_of):
    header = header_of(0, TimezoneOffsetFromUTC="+0900")
    request = request_of()
    evening = replace(request, created=datetime(2026, 1, 6, 20, 0, tzinfo=UTC))
    assert "created on 7 January 2026" in text_of(pdf.report_pdf(scores["0"], evening, headers=[header]))


def test_logo_and_paper_of_a_site_are_used(scores, sources, request_of, tmp_path):
    Image.new("CMYK", (3000, 300), (0, 255, 255, 0)).save(tmp_path / "logo.jpg")
    (tmp_path / "texts.toml").write_text('[format]\npaper = "us-letter"\n[letter]\ntitle = "Result"\n', "utf-8")
    request = request_of(logo=tmp_path / "logo.jpg", texts=tmp_path / "texts.toml")
    content = letter.letter_pdf(scores["0"], request, headers=sources)
    page = PdfReader(io.BytesIO(content)).pages[0]
    assert len(page.images) == 1
    assert page.images[0].image.width <= 900
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (612, 792)
    assert "Result" in page.extract_text()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("0", ("the first", "der ersten")),
        ("3", ("the second", "der zweiten")),
        ("250", ("the third", "der dritten")),
        ("1800", ("the fourth", "der vierten")),
    ],
)
def test_the_letter_tells_score_and_group_and_leaves_the_rest_to_the_doctor(
    scores, sources, request_of, language, name, words
):
    told = text_of(letter.letter_pdf(scores[name], request_of(language=language), headers=sources))
    german = language == "de"
    score = f"{scores[name].agatston.total:.0f}"
    assert (f"Ihr Kalk-Score {score}" if german else f"Your calcium score {score}") in told
    assert words[german] in told
    assert ("Guten Tag Zoë Grün," if german else "Dear Zoë Grün,") in told
    assert ("entscheidet mit Ihnen" if german else "decide with you what to do next") in told
    assert not re.search(r"\brisk|Risiko|infarct|Infarkt|%|should you|must you|sollten Sie", told)


def test_the_letter_names_the_earlier_score_and_what_may_have_influenced_it(full, scores, sources, first):
    told = text_of(letter.letter_pdf(full, first, headers=sources))
    assert (
        "At your scan on 4 January 2025 the score was 208. "
        "Simply repeating the scan could show a difference like this." in told
    )
    assert "Some features of the images may have affected the result." in told
    assert "may have affected" not in text_of(letter.letter_pdf(scores["0"], first, headers=sources))
    assert "A number this small" in text_of(letter.letter_pdf(scores["3"], first, headers=sources))


def test_nothing_is_printed_without_a_score_or_a_patient(refused, scores, sources, first):
    for make in (pdf.report_pdf, letter.letter_pdf):
        with pytest.raises(ValueError, match="not scored"):
            make(refused, first, headers=sources)
        with pytest.raises(ValueError, match="names the patient"):
            make(scores["0"], first, headers=[])
    with pytest.raises(ValueError, match="needs a header"):
        pdf.encapsulate(b"%PDF", scores["0"], [], first)


@pytest.fixture(scope="session")
def eastern(tmp_path_factory) -> Path:
    """A folder with a font of square signs for some characters that the shipped font lacks."""
    folder = tmp_path_factory.mktemp("fonts")
    signs = "山田太郎やまだたろう洪吉洞홍길동"
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (900, 700), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = [f"uni{ord(sign):04X}" for sign in signs]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *names])
    font.setupCharacterMap({ord(sign): name for sign, name in zip(signs, names, strict=True)})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **dict.fromkeys(names, pen.glyph())})
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "East", "styleName": "Regular", "psName": "East-Regular"})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWeightClass=400)
    font.setupPost()
    font.save(folder / "east.ttf")
    return folder


JAPANESE = {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"}
KOREAN = {"SpecificCharacterSet": ["", "ISO 2022 IR 149"], "PatientName": "Hong^Gildong=洪^吉洞=홍^길동"}
ONLY_IDEOGRAPHS = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "山田^太郎"}


@pytest.mark.parametrize(
    ("header", "without", "spoken", "with_fonts"),
    [
        (JAPANESE, "Yamada, Tarou", "Tarou Yamada", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        (KOREAN, "Hong, Gildong", "Gildong Hong", "Hong, Gildong (洪 吉洞, 홍 길동)"),
        (ONLY_IDEOGRAPHS, None, None, "山田 太郎"),
        ({"PatientName": "Grün^Zoë^^Dr.^MBA"}, "Grün, Dr. Zoë, MBA", "Dr. Zoë Grün, MBA", "Grün, Dr. Zoë, MBA"),
        (
            {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Łukasz^Žofie"},
            "Łukasz, Žofie",
            "Žofie Łukasz",
            "Łukasz, Žofie",
        ),
        ({"SpecificCharacterSet": "ISO_IR 192", "PatientName": "ｱ^ｲ"}, None, None, None),
        ({"PatientName": "DOE JANE"}, "DOE JANE", "DOE JANE", "DOE JANE"),
        ({"PatientName": ""}, "", "", ""),
        ({"PatientName": None}, "", "", ""),
    ],
)
def test_names_are_printed_in_every_group_that_a_font_shows(header_of, eastern, header, without, spoken, with_fonts):
    dataset = header_of(0, **header)
    plain = person.read_person(dataset, faces())
    assert (plain.named, plain.called) == (without, spoken)
    assert person.read_person(dataset, faces(eastern)).named == with_fonts


@pytest.mark.parametrize("header", [JAPANESE, KOREAN, ONLY_IDEOGRAPHS])
def test_documents_of_eastern_names_are_made_with_and_without_fonts(scores, header_of, eastern, request_of, header):
    dataset = header_of(0, **header)
    signs = {"J": "山田 太郎", "H": "洪 吉洞"}["H" if header is KOREAN else "J"]
    told = text_of(pdf.report_pdf(scores["3"], request_of(), headers=[dataset]))
    assert not set(signs.replace(" ", "")) & set(told)
    if header is ONLY_IDEOGRAPHS:
        assert "in characters that this font does not have" in told
        assert "Dear patient," in text_of(letter.letter_pdf(scores["3"], request_of(), headers=[dataset]))
    told = text_of(pdf.report_pdf(scores["3"], request_of(fonts=eastern), headers=[dataset]))
    assert signs in told


def test_a_patient_without_name_and_number_is_not_known(scores, header_of, first):
    empty = header_of(0, PatientName="", PatientID="", PatientBirthDate="", PatientSex="")
    assert text_of(pdf.report_pdf(scores["0"], first, headers=[empty])).count("not known") >= 4
    told = text_of(letter.letter_pdf(scores["0"], first, headers=[empty]))
    assert "Dear patient," in told
    assert "For " not in told.split("Your coronary")[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_whatever_a_header_holds_can_be_printed(scores, first, words):
    series = replace(scores["0"].series, manufacturer=words, kernel=words)
    odd = replace(scores["0"], series=series, flags=(Flag("odd", "info", words),))
    header = Dataset()
    header.SOPInstanceUID = "1.2.3"
    assert pages_of(pdf.report_pdf(odd, first, headers=[header])) >= 1


@pytest.mark.parametrize("kind", ["pdf", "letter"])
def test_the_encapsulated_pdf_belongs_to_the_study_and_holds_the_file(full, sources, first, read_back, kind):
    content = b"%PDF-1.7 odd"
    made = read_back(pdf.encapsulate(content + b"!", full, sources, first, kind=kind))
    assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.1"
    assert made.StudyInstanceUID == sources[0].StudyInstanceUID
    assert made.PatientName == "Grün^Zoë"
    assert made.SpecificCharacterSet == "ISO_IR 192"
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == content + b"!"
    assert made.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert made.BurnedInAnnotation == "YES"
    assert made.VerificationFlag == "UNVERIFIED"
    cited = {item.ReferencedSOPInstanceUID for item in made.SourceInstanceSequence}
    assert cited == {image.sop_instance_uid for lesion in full.lesions for image in lesion.images}
    assert made.SeriesNumber == first.series_number + {"pdf": 3, "letter": 4}[kind]


def test_both_kinds_and_all_versions_are_objects_of_their_own(full, sources, first):
    made = [
        pdf.encapsulate(b"%PDF", full, sources, replace(first, version=version), kind=kind)
        for kind in ("pdf", "letter")
        for version in (1, 2)
    ]
    assert len({item.SOPInstanceUID for item in made}) == 4
    assert len({item.SeriesInstanceUID for item in made}) == 2


class TestWithPrograms:
    pytestmark = pytest.mark.peer

    @pytest.mark.parametrize("kind", ["pdf", "letter"])
    @pytest.mark.parametrize("name", ["0", "3", "250", "1800"])
    def test_dciodvfy_finds_no_error(self, dciodvfy, scores, header_of, first, written, tmp_path, kind, name):
        headers = [header_of(index) for index in range(6)]
        make = pdf.report_pdf if kind == "pdf" else letter.letter_pdf
        content = make(scores[name], first, headers=headers)
        path = tmp_path / "made.dcm"
        path.write_bytes(written(pdf.encapsulate(content, scores[name], headers, first, kind=kind)))
        assert "EncapsulatedPDF" in dciodvfy(path)

    def test_dcm2pdf_takes_the_file_out_again(self, peer_program, full, sources, first, written, tmp_path, pixels):
        content = pdf.report_pdf(full, first, headers=sources, pixels=pixels)
        (tmp_path / "made.dcm").write_bytes(written(pdf.encapsulate(content, full, sources, first)))
        subprocess.run([peer_program("dcm2pdf"), tmp_path / "made.dcm", tmp_path / "made.pdf"], check=True)
        assert (tmp_path / "made.pdf").read_bytes()[: len(content)] == content
        assert dcmread(tmp_path / "made.dcm").DocumentTitle == "Coronary artery calcium"


def test_the_slices_shown_have_the_most_calcium_and_no_lesion_twice_first(full, sources, first, pixels):
    asked: list[ImageRef] = []

    def counted(image: ImageRef):
        asked.append(image)
        return pixels(image)

    told = text_of(pdf.report_pdf(full, first, headers=sources, pixels=counted))
    assert [image.slice for image in asked] == [1, 3]
    assert "Slice 2 of 6: LM 20.3, LAD 150.0" in told
    assert "Slice 4 of 6: LCX 33.3, RCA 46.4" in told


MARKUP = '#set page(fill: red) $x^2$ *bold* _it_ \\ ]"`raw` <label> @ref // none #read("/etc/passwd")'


def test_text_is_never_markup(scores, header_of, request_of):
    source = header_of(0, PatientName=MARKUP[:60], PatientID="#1 $2$ *3* ]", StudyDescription='#eval("1") `a` \\\\ "')
    score = replace(scores["0"], flags=(Flag("x", "warning", MARKUP),))
    for content in (
        pdf.report_pdf(score, request_of(institution=MARKUP), headers=[source]),
        letter.letter_pdf(score, request_of(institution=MARKUP), headers=[source]),
    ):
        told = text_of(content)
        assert "#set page(fill: red) $x" in told
    assert "#1 $2$ *3* ]" in text_of(pdf.report_pdf(score, request_of(), headers=[source]))
    assert len(list(overlay.pages(score, [source], request_of(institution=MARKUP), None))) == 1


def test_several_values_are_all_printed(scores, header_of, first):
    source = header_of(
        0, PatientName=["DOE^J", "DOE^K"], PatientID=["P1", "P2"], AccessionNumber=["A1", "A2"], PatientSex="MALE"
    )
    told = text_of(pdf.report_pdf(scores["0"], first, headers=[source]))
    for words in ("DOE, J / DOE, K", "P1 / P2", "A1 / A2", "male"):
        assert words in told


def test_a_word_longer_than_a_line_stays_on_the_page(scores, header_of, first):
    source = header_of(0, PatientID="P" * 300, PatientName="N" * 200)
    for content in (
        pdf.report_pdf(scores["0"], first, headers=[source]),
        letter.letter_pdf(scores["0"], first, headers=[source]),
    ):
        page = PdfReader(io.BytesIO(content)).pages[0]
        lines = [line for line in page.extract_text().splitlines() if "NNNNN" in line or "PPPPP" in line]
        assert max(len(re.sub("[^NP]", "", line)) for line in lines) <= 120


def test_a_flag_on_identifiers_says_nothing_about_the_images(scores, sources, first):
    flagged = replace(scores["0"], flags=(Flag("identifiers_changed", "warning", values={"elements": "Patient ID"}),))
    plain = text_of(letter.letter_pdf(replace(scores["0"], flags=()), first, headers=sources))
    assert text_of(letter.letter_pdf(flagged, first, headers=sources)) == plain
