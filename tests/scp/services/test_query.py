import subprocess

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.multival import MultiValue
from pynetdicom import AE

from dicom.sop_classes import PATIENT_ROOT_FIND, STUDY_ROOT_FIND
from scp.reception.incoming import StoreRequest
from scp.services.storage import IMAGE_STORAGE


@pytest.fixture
def filled(site, slice_of, keep):
    """Two studies; the first has two series."""
    for number in (1, 2, 3):
        keep(slice_of(number))
    keep(slice_of(1, series=2, SeriesDescription="Lung"))
    keep(slice_of(1, study=2, PatientName="Müller^Jörg", StudyDate="20250101"))
    return site


def find(port, model, **keys):
    ae = AE(ae_title="VIEWER")
    ae.add_requested_context(model)
    association = ae.associate("127.0.0.1", port, ae_title="CORONODE")
    assert association.is_established
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    found, last = [], None
    for answer, identifier in association.send_c_find(query, model):
        last = answer
        if answer.Status == 0xFF00:
            found.append(identifier)
    association.release()
    return found, last


def test_studies_with_counts_and_modalities(filled):
    found, last = find(
        filled.port,
        STUDY_ROOT_FIND,
        QueryRetrieveLevel="STUDY",
        StudyInstanceUID="",
        ModalitiesInStudy="CT",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
    )
    assert last.Status == 0
    counts = {
        item.StudyInstanceUID: (item.NumberOfStudyRelatedSeries, item.NumberOfStudyRelatedInstances) for item in found
    }
    assert counts == {"1.2.826.0.1.1": (2, 4), "1.2.826.0.1.2": (1, 1)}


def test_patients_in_the_patient_root(filled):
    found, _ = find(filled.port, PATIENT_ROOT_FIND, QueryRetrieveLevel="PATIENT", PatientID="ID*", PatientName="")
    assert {item.PatientID: str(item.PatientName) for item in found} == {"ID1": "Test^Patient1", "ID2": "Müller^Jörg"}


def test_images_of_a_series(filled):
    found, _ = find(
        filled.port,
        STUDY_ROOT_FIND,
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID="1.2.826.0.1.1",
        SeriesInstanceUID="1.2.826.0.1.1.1",
        SOPInstanceUID="",
        SOPClassUID="",
        InstanceNumber="",
    )
    assert sorted(item.InstanceNumber for item in found) == [1, 2, 3]
    assert {item.SOPClassUID for item in found} == {IMAGE_STORAGE[0]}


def test_a_query_without_level_is_refused_with_a_reason(filled):
    found, last = find(filled.port, STUDY_ROOT_FIND, StudyInstanceUID="")
    assert found == []
    assert last.Status == 0xA900
    assert "Level" in last.ErrorComment or "level" in last.ErrorComment


def test_patient_level_is_not_in_the_study_root(filled):
    _, last = find(filled.port, STUDY_ROOT_FIND, QueryRetrieveLevel="PATIENT", PatientID="")
    assert last.Status == 0xA900


@pytest.fixture
def findscu(peer_program, tmp_path):
    """`findscu(port, *keys)`: the responses, as files, to a query with DCMTK in the Study Root."""

    def ask(port, *keys):
        options = ["-S", "-X", "-od", str(tmp_path), "-aec", "CORONODE"]
        arguments = [part for key in keys for part in ("-k", key)]
        subprocess.run([peer_program("findscu"), *options, *arguments, "127.0.0.1", str(port)], check=True, timeout=60)
        return list(tmp_path.glob("rsp*.dcm"))

    return ask


@pytest.mark.peer
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["0008,0052=STUDY", "0020,000D", "0008,0020=20240101-20241231"], 1),
        (["0008,0052=STUDY", "0020,000D", "0010,0010=test*"], 1),
        (["0008,0052=SERIES", "0020,000D=1.2.826.0.1.1", "0020,000E", "0020,1209"], 2),
        (["0008,0052=SERIES", "0020,000D=1.2.826.0.1.1", "0020,000E=1.2.826.0.1.1.2\\1.2.826.0.1.1.9"], 1),
        (["0008,0052=IMAGE", "0020,000D=1.2.826.0.1.1", "0020,000E=1.2.826.0.1.1.1", "0008,0018"], 3),
        (["0008,0052=STUDY", "0020,000D", "0008,0050=NONE"], 0),
    ],
)
def test_findscu_finds(filled, findscu, keys, expected):
    assert len(findscu(filled.port, *keys)) == expected


MULLER = "Müller^Jörg".encode()
YAMADA = "Yamada^Tarou=山田^太郎=やまだ^たろう".encode()


@pytest.fixture
def keep_bytes(site, slice_of):
    """Store an image whose name and character set are these bytes, whatever a library would make of them."""

    def keep(study, character_set, name):
        name = name.ljust(len(name) + len(name) % 2)
        image = slice_of(1, study=study, PatientName="N" * len(name), SpecificCharacterSet="C" * 16)
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_dataset(buffer, image)
        data = buffer.getvalue().replace(b"N" * len(name), name).replace(b"C" * 16, character_set.ljust(16))
        reception = site.storage.begin(
            StoreRequest(str(image.SOPClassUID), str(image.SOPInstanceUID), image.file_meta.TransferSyntaxUID)
        )
        reception.write(data)
        reception.finish()

    return keep


@pytest.mark.peer
@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        (b"ISO_IR 192", MULLER),
        (b"ISO IR 192", MULLER),
        (b"UTF-8", MULLER),
        (b"", MULLER),
        (b"ISO_2022_IR_6", MULLER),
        (b"ISO_IR 100", "Müller^Jörg".encode("latin-1")),
        (b"", "Müller^Jörg".encode("latin-1")),
    ],
)
@pytest.mark.parametrize(
    "keys",
    [
        [b"0008,0005=ISO_IR 192", "0010,0010=MÜLLER*".encode()],
        ["0010,0010=MÜLLER*".encode()],
        [b"0008,0005=ISO_IR 100", "0010,0010=müller^*".encode("latin-1")],
    ],
    ids=["UTF-8", "undeclared", "Latin-1"],
)
def test_a_name_is_found_whatever_the_character_sets(site, keep_bytes, findscu, character_set, name, keys):
    keep_bytes(1, character_set, name)
    keep_bytes(2, b"ISO_IR 192", YAMADA)
    (found,) = findscu(site.port, b"0008,0052=STUDY", b"0020,000D", *keys)
    assert dcmread(found).StudyInstanceUID == "1.2.826.0.1.1"


def read_name(file, answer):
    """Read the name with DCMTK and the C library's iconv, which shares no table with Python; but for JIS X 0208."""
    if "ISO 2022 IR 87" in answer.get("SpecificCharacterSet", ""):
        return str(answer.PatientName)
    command = ["dcmdump", "+U8", "+P", "0010,0010", str(file)]
    dump = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()
    return dump.partition("[")[2].rpartition("]")[0]


NAMES = {
    1: "Müller^Jörg",
    2: "Yamada^Tarou=山田^太郎=やまだ^たろう",
    3: "Hong^Gildong=洪^吉洞=홍^길동",
    4: "Zhang^XiaoDong=张^小东",
    5: "Щука^Жанна",
    6: "Διονυσιος",
    7: "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    8: "Doe^Jane",
}


@pytest.mark.peer
@pytest.mark.parametrize(
    ("character_set", "codec", "key", "found"),
    [
        ("ISO_IR 192", "utf-8", "*^ジ", {}),
        ("ISO_IR 192", "utf-8", "yamada*", {2: "ISO_IR 192"}),
        ("ISO_IR 100", "latin-1", "MÜLLER*", {1: "ISO_IR 100"}),
        ("ISO_IR 144", "iso8859-5", "щука*", {5: "ISO_IR 144"}),
        ("ISO_IR 126", "iso8859-7", "διο*", {6: "ISO_IR 126"}),
        (r"\ISO 2022 IR 87", "iso2022-jp", "山田*", {2: r"\ISO 2022 IR 87", 7: "ISO_IR 192"}),
        (
            r"ISO 2022 IR 13\ISO 2022 IR 87",
            "iso2022-jp",
            "山田*",
            dict.fromkeys((2, 7), r"ISO 2022 IR 13\ISO 2022 IR 87"),
        ),
        (r"\ISO 2022 IR 149", "euc-kr", "\x1b$)C홍*", {3: r"\ISO 2022 IR 149"}),
        (r"\ISO 2022 IR 58", "gb2312", "\x1b$)A张*", {4: r"\ISO 2022 IR 58"}),
        ("GB18030", "gb18030", "张*", {4: "GB18030"}),
        ("GBK", "gbk", "山田*", {2: "GBK", 7: "ISO_IR 192"}),
        ("ISO_IR 100", "latin-1", "doe*", {8: None}),
    ],
)
def test_answers_are_in_the_character_set_of_the_request(
    site, slice_of, keep, findscu, character_set, codec, key, found
):
    for study, name in NAMES.items():
        keep(slice_of(1, study=study, PatientName=name))
    keys = ["0008,0052=STUDY", "0020,000D", f"0008,0005={character_set}", b"0010,0010=" + key.encode(codec)]
    answers = {}
    for file in findscu(site.port, *keys):
        answer = dcmread(file)
        study = int(answer.StudyInstanceUID.rpartition(".")[2])
        declared = answer.get("SpecificCharacterSet")
        answers[study] = "\\".join(declared) if isinstance(declared, MultiValue) else declared
        assert read_name(file, answer) == NAMES[study]
    assert answers == found


@pytest.mark.peer
@pytest.mark.parametrize(
    ("key", "count"), [("=山田*", 1), ("==やまだ*", 1), ("=やまだ*", 0), ("山田*", 1), ("yamada*", 1)]
)
def test_findscu_finds_a_name_by_its_groups(site, keep_bytes, findscu, key, count):
    keep_bytes(1, b"ISO_IR 192", YAMADA)
    found = findscu(site.port, "0008,0052=STUDY", "0008,0005=ISO_IR 192", f"0010,0010={key}")
    assert len(found) == count


@pytest.mark.peer
@pytest.mark.parametrize(("modality", "count"), [("MR", 0), ("CT", 2)])
def test_findscu_asks_for_studies_by_modality(filled, findscu, modality, count):
    assert len(findscu(filled.port, "0008,0052=STUDY", "0020,000D", f"0008,0060={modality}")) == count
