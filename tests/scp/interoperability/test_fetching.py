"""`coronode fetch` brings studies from each archive, by C-GET into its own store and by C-MOVE to the running node."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from scp.scu.storage import Sending, open_for, store
from storage.database.opening import open_database
from storage.series import sources, states
from tests.scp.interoperability.conftest import place_peer, running_site
from tests.scp.interoperability.processes import PATIENCE, until

ARCHIVES = ["DCMTK", "ORTHANC", "DCMJS", "PYNETDICOM", "ORTHANC-TLS", "DCMJS-TLS"]


@pytest.fixture
def fill(peer, peer_name, site, new_study):
    """`fill(count)`: studies that the peer holds."""

    def send(count):
        studies = [new_study() for _ in range(count)]
        objects = [Sending.from_file(path) for study in studies for path in study.paths]
        with open_for(site.settings.node, site.peer(peer_name), objects) as association:
            assert {store(association, item, site.peer(peer_name)) for item in objects} == {0}
        return studies

    return send


@pytest.fixture
def own_config(site, tmp_path):
    """The configuration of the site with a store of its own, in which no node runs."""
    text = (site.folder / "coronode.toml").read_text().replace(str(site.folder / "data"), str(tmp_path / "data"))
    (tmp_path / "own.toml").write_text(text)
    return tmp_path / "own.toml"


@pytest.fixture
def command(peer_name, tmp_path):
    """`command(config, studies, option, ...)`: the words of a run over a list of studies."""

    def make(config, studies, *options):
        table = tmp_path / "list.csv"
        table.write_text("study_instance_uid\n" + "".join(f"{study.study}\n" for study in studies))
        code = "from scp.cli import main; main()"
        own = ("--csv", table, "--out", tmp_path / "outcomes.csv", "--minimum-slices", 2, "--json", "--config", config)
        return [*map(str, (sys.executable, "-c", code, "fetch", peer_name, *own, *options))]

    return make


def run(words):
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def outcomes(folder):
    file = folder / "outcomes.csv"
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as content:
        return list(csv.DictReader(content))


def held(folder):
    with closing(sqlite3.connect(folder / "data" / "coronode.sqlite")) as index:
        return {uid for (uid,) in index.execute("SELECT sop_instance_uid FROM instances")}


@pytest.mark.parametrize("peer_name", ARCHIVES, indirect=True)
def test_by_c_get(fill, own_config, command, tmp_path):
    studies = fill(2)
    summary = run(command(own_config, studies, "--method", "get"))
    assert (summary["fetched"], summary["objects"]) == (2, sum(len(study.images) for study in studies))
    assert held(tmp_path) == {image.SOPInstanceUID for study in studies for image in study.images}


@pytest.mark.parametrize("peer_name", ARCHIVES, indirect=True)
def test_by_c_move_to_the_node(fill, site, command):
    studies = fill(2)
    summary = run(command(site.folder / "coronode.toml", studies, "--method", "move"))
    assert (summary["fetched"], summary["objects"]) == (2, sum(len(study.images) for study in studies))
    assert [site.count(study.series) for study in studies] == [len(study.images) for study in studies]


@pytest.mark.parametrize("peer_name", ["ORTHANC"], indirect=True)
def test_killed_in_the_middle_every_study_comes_once(fill, own_config, command, tmp_path):
    studies = fill(8)
    words = command(own_config, studies, "--rate", 10)
    for lines in (2, 4):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until("some outcomes", lambda lines=lines: len(outcomes(tmp_path)) >= lines)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    summary = run(words)
    assert summary["requests_done_before"] >= 4
    rows = outcomes(tmp_path)
    assert Counter(row["study_instance_uid"] for row in rows) == Counter(study.study for study in studies)
    assert {row["outcome"] for row in rows} <= {"fetched", "already_here"}
    assert held(tmp_path) == {image.SOPInstanceUID for study in studies for image in study.images}


def test_orthanc_is_a_witness_and_gives_what_it_did_not_send(new_study, peer_program, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "peer").mkdir()
    times = "[completion]\nquiet_seconds = 6\ngap_deadline_seconds = 600"
    with running_site(tmp_path / "site", times, witness='"fetch"') as site:
        orthanc = place_peer("ORTHANC", site, tmp_path / "peer", peer_program)
        orthanc.start()
        try:
            study = new_study()
            stored = [orthanc.rest("POST", "instances", path.read_bytes())["ID"] for path in study.paths]
            orthanc.rest("POST", "modalities/node/store", {"Resources": stored[:1]})
            until("the whole series", lambda: site.count(study.series) == len(study.images))
            with closing(open_database(site.settings)) as database:
                until("completion", lambda: states.get(database, study.series).version == 1)
                assert states.get(database, study.series).flags == ()
                assert sources.find_answer(database, study.series).peer == "ORTHANC"
        finally:
            orthanc.stop()
