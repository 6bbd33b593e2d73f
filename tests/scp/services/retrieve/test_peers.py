"""DCMTK's movescu and getscu against the Retrieve SCP."""

import socket
import subprocess
from contextlib import closing

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

pytestmark = pytest.mark.peer

STUDY, SERIES = "1.2.826.0.1.1", "1.2.826.0.1.1.1"
KEYS = {
    "STUDY": {"0020,000D": STUDY},
    "SERIES": {"0020,000D": STUDY, "0020,000E": SERIES},
    "IMAGE": {"0020,000D": STUDY, "0020,000E": SERIES, "0008,0018": rf"{SERIES}.1\{SERIES}.3"},
}
COUNTS = {"STUDY": 4, "SERIES": 3, "IMAGE": 2}


def arguments(level, *, patient=""):
    keys = {"0008,0052": level, **KEYS.get(level, {})} | ({"0010,0020": patient} if patient else {})
    return ["-P" if patient else "-S", *(part for key, value in keys.items() for part in ("-k", f"{key}={value}"))]


def read_data_sets(folder, encoded):
    """The data sets in the files of a folder, by SOP Instance UID."""
    images = [dcmread(path) for path in folder.iterdir()]
    return {image.SOPInstanceUID: encoded(image) for image in images}


@pytest.mark.parametrize(
    ("level", "patient"), [("PATIENT", "ID1"), ("STUDY", "ID1"), ("STUDY", ""), ("SERIES", ""), ("IMAGE", "")]
)
def test_getscu_gets_the_objects_as_they_are(filled, site, peer_program, encoded, tmp_path, level, patient):
    folder = tmp_path / "got"
    folder.mkdir()
    command = [peer_program("getscu"), "-aec", "CORONODE", "-od", folder, *arguments(level, patient=patient)]
    ended = subprocess.run(
        [*command, "127.0.0.1", str(site.port)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    got = read_data_sets(folder, encoded)
    assert len(got) == COUNTS.get(level, 4)
    assert got.items() <= filled.items()


@pytest.fixture
def compressed(store, slice_of):
    """Another object of the study, in RLE; its data set."""
    image = slice_of(9)
    image.compress(RLELossless, generate_instance_uid=False)
    return {image.SOPInstanceUID: store(image)}


def test_getscu_gets_compressed_objects_uncompressed(compressed, slice_of, site, peer_program, tmp_path):
    """It proposes RLE and uncompressed syntaxes in one context; uncompressed is the answer that fits every object."""
    folder = tmp_path / "got"
    folder.mkdir()
    command = [peer_program("getscu"), "+xr", "-aec", "CORONODE", "-od", folder, *arguments("STUDY")]
    subprocess.run([*command, "127.0.0.1", str(site.port)], check=True, timeout=60)
    (got,) = map(dcmread, folder.iterdir())
    assert [got.SOPInstanceUID] == [*compressed]
    assert got.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert got.PixelData == slice_of(9).PixelData


@pytest.fixture
def storescp(peer_program, destination_port, tmp_path, eventually):
    """DCMTK's receiver at the move destination; the folder that it fills."""
    folder = tmp_path / "moved"
    folder.mkdir()
    log = tmp_path / "storescp.log"
    with log.open("wb") as out:
        command = [peer_program("storescp"), "-v", "-aet", "DEST", "+xa", "-od", folder, str(destination_port)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    eventually("storescp to listen", lambda: is_listening(destination_port))
    yield folder
    process.terminate()
    process.wait(20)


def is_listening(port):
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(("level", "patient"), [("PATIENT", "ID1"), ("STUDY", ""), ("SERIES", ""), ("IMAGE", "")])
def test_movescu_has_storescp_get_the_objects(filled, site, storescp, peer_program, encoded, level, patient):
    command = [peer_program("movescu"), "-v", "-aec", "CORONODE", "-aet", "CALLER", "-aem", "DEST"]
    command += [*arguments(level, patient=patient), "127.0.0.1", str(site.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    moved = read_data_sets(storescp, encoded)
    assert len(moved) == COUNTS.get(level, 4)
    assert moved.items() <= filled.items()


def test_storescp_takes_compressed_objects_as_they_are(compressed, filled, site, storescp, peer_program, encoded):
    command = [peer_program("movescu"), "-aec", "CORONODE", "-aet", "CALLER", "-aem", "DEST", *arguments("SERIES")]
    subprocess.run([*command, "127.0.0.1", str(site.port)], check=True, timeout=60)
    moved = read_data_sets(storescp, encoded)
    assert len(moved) == 4
    assert moved.items() <= {**filled, **compressed}.items()


def test_movescu_is_told_that_the_destination_is_down(filled, site, peer_program):
    command = [peer_program("movescu"), "-v", "-aec", "CORONODE", "-aet", "CALLER", "-aem", "DEST", *arguments("STUDY")]
    ended = subprocess.run(
        [*command, "127.0.0.1", str(site.port)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "OutOfResources" in ended.stdout + ended.stderr or "0xa702" in ended.stdout + ended.stderr
