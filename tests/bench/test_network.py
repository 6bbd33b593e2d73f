"""The network benchmarks run at their smallest size, and their numbers mean what they claim."""

import importlib
import math
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import CTImageStorage

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module


def bench(name, *options):
    command = [sys.executable, str(BENCH / f"{name}.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def cells(text, title):
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith(f"| {title}")]
    assert rows, text
    return rows


def test_a_ratio_is_taken_within_a_round(module):
    table = module("table")
    assert table.ratio({0: 100.0, 1: 10.0, 2: 50.0}, {0: 200.0, 1: 20.0, 2: 100.0}) == 0.5
    assert math.isnan(table.ratio({0: 100.0}, {}))


def test_a_failed_round_is_not_part_of_a_median(module):
    assert module("table").median([3.0, math.nan, 1.0]) == 2.0


def test_a_quantile_is_a_value_that_was_measured(module):
    quantile = module("table").quantile
    assert [quantile(list(range(1, 101)), share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert math.isnan(quantile([], 0.5))


def test_processor_time_and_memory_of_a_session_are_measured(module):
    usage = module("usage")
    work = "import sys, time\nwhile time.process_time() < 0.3: pass\nprint(); sys.stdin.read()"
    command = [sys.executable, "-c", work]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as process:
        with usage.Watch(process.pid, 0.01) as watch:
            process.stdout.readline()
        process.communicate()
    assert 0.1 < watch.cpu_seconds < 2
    assert watch.peak_mib > 1


def test_memory_of_an_unsampled_session_is_not_a_number(module):
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as process:
        process.wait()
        with module("usage").Watch(process.pid, 0.01) as watch:
            pass
    assert math.isnan(watch.peak_mib)


def test_an_association_that_is_accepted_and_then_left_alone_is_stuck(module):
    idle, sink = module("idle"), module("sink")

    def accept_and_leave(server):
        connection, _ = server.accept()
        with connection:
            connection.sendall(sink.accept(connection.recv(65536)))
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept_and_leave, args=(server,))
        thread.start()
        accepted, released = idle.visit(server.getsockname()[1], accept_seconds=60, release_seconds=0.05)
        thread.join()
    assert accepted > 0
    assert not released


def test_a_slice_is_received_unchanged(module, tmp_path):
    peers, scanner, traffic = module("peers"), module("scanner"), module("traffic")
    image = traffic.ct_slice()
    (receiver,) = peers.chosen(["pynetdicom"])
    with peers.started(receiver, tmp_path / "receiver") as running:
        size = scanner.send_slices(running.port, image, 2)
        files = [dcmread(path) for path in sorted((tmp_path / "receiver").glob("CT.*"))]
        assert [file.SOPInstanceUID for file in files] == [
            traffic.numbered(image.SOPInstanceUID, number) for number in (1, 2)
        ]
        assert files[0].PixelData == image.PixelData
        assert files[0].SOPClassUID == CTImageStorage
    assert abs(size / 2 - 527_000) < 1000
    assert not (tmp_path / "receiver").exists()


@pytest.mark.peer
@pytest.mark.component
def test_receiving_is_measured_and_drawn(peer_program, tmp_path):
    peer_program("storescp")
    picture = tmp_path / "receive.png"
    output = bench("receive", "--rounds=1", "--objects=8", "--receivers", "storescp", "--picture", str(picture))
    rows = cells(output, "DCMTK")
    assert [row[1] for row in rows] == ["1", "4"]
    assert all(float(row[2].replace(",", "")) > 0 and row[3] == "1.00" for row in rows)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.peer
@pytest.mark.component
def test_a_large_object_is_generated_while_it_is_sent(peer_program):
    peer_program("storescp")
    output = bench("receive", "--large", "--megabytes=40", "--receivers", "storescp")
    assert float(cells(output, "DCMTK")[0][1].replace(",", "")) > 0


@pytest.mark.peer
def test_sending_is_measured(peer_program):
    peer_program("storescu")
    rows = cells(bench("send", "--rounds=1", "--objects=3", "--senders", "storescu"), "DCMTK")
    assert len(rows) == 2
    assert all(float(row[1].replace(",", "")) > 0 for row in rows)


@pytest.mark.peer
def test_idle_associations_are_counted(peer_program):
    peer_program("storescp")
    options = ("--associations=5", "--seconds=0.5", "--tries=3", "--receivers", "storescp")
    (row,) = cells(bench("idle", *options), "DCMTK")
    assert row[1] == "5"
    assert row[6] == "0 of 3"


@pytest.mark.peer
def test_retrieving_is_measured(peer_program):
    peer_program("dcmqrscp")
    options = ("--rounds=1", "--objects=3", "--repeats=1", "--programs", "dcmqrscp")
    rows = cells(bench("retrieve", *options), "DCMTK")
    assert [row[0] for row in rows] == ["DCMTK dcmqrscp, C-MOVE", "DCMTK dcmqrscp, C-GET"]
    assert all(float(row[1].replace(",", "")) > 0 and row[2] == "1.00" for row in rows)


@pytest.mark.component
def test_the_node_can_be_measured_by_each(tmp_path):
    rows = cells(bench("receive", "--rounds=1", "--objects=4", "--receivers", "coronode"), "Coronode")
    assert all(float(row[2].replace(",", "")) > 0 for row in rows)
    assert len(cells(bench("send", "--rounds=1", "--objects=2", "--senders", "coronode"), "Coronode")) == 2
    options = ("--rounds=1", "--objects=2", "--repeats=1", "--programs", "coronode")
    assert len(cells(bench("retrieve", *options), "Coronode")) == 2
