"""The dashboard and the alert rules speak of metrics that the node has, and every alert is explained."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings
from scp import metrics
from scp.installation import Installation
from scp.watching.gauges import Gauges
from storage.database.engine import Database
from storage.objects.files import Files

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "coronode.json"
OPERATING = ROOT / "docs" / "operating.md"
NAME = re.compile(r"\bcoronode_\w+")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples that a node has which has just been started, and those that come with an event."""
    folder = tmp_path_factory.mktemp("node")
    peer = {"PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}}
    settings = Settings.model_validate({"peers": peer, "results": {"destinations": ["PACS"]}})
    database = Database.open(f"sqlite:///{folder / 'index.db'}")
    database.migrate()
    gauges = Gauges(Installation(settings, database, Files(folder / "objects"), lambda: datetime.now(UTC)))
    metrics.await_deliveries(settings.results.destinations)
    page = metrics.render() + gauges.render()
    database.close()
    families = list(text_string_to_metric_families(page.decode()))
    found = {sample.name for family in families for sample in family.samples}
    return found | {f"{family.name}_total" if family.type == "counter" else family.name for family in families}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions(part: Any) -> list[str]:
    """Every expression of a dashboard, and every query of its variables."""
    if isinstance(part, dict):
        own = [value for key, value in part.items() if key in ("expr", "definition") and isinstance(value, str)]
        return own + [found for value in part.values() for found in expressions(value)]
    if isinstance(part, list):
        return [found for value in part for found in expressions(value)]
    return []


def test_every_metric_of_the_rules_exists(names):
    for rule in rules():
        missing = set(NAME.findall(rule["expr"])) - names
        assert not missing, rule["alert"]


def test_every_metric_of_the_dashboard_exists(names):
    found = expressions(json.loads(DASHBOARD.read_text()))
    assert len(found) > 30
    for expression in found:
        assert set(NAME.findall(expression)) <= names, expression


def test_counters_of_the_rules_are_there_before_their_first_event():
    page = metrics.render().decode()
    for sample in (
        'coronode_objects_total{status="0x0000"}',
        'coronode_objects_total{status="0xA700"}',
        'coronode_series_scored_total{outcome="not_scorable"}',
        'coronode_associations_refused_total{reason="unknown"}',
    ):
        assert f"\n{sample} " in page


def test_every_alert_says_how_bad_it_is_and_what_it_means():
    alerts = [rule["alert"] for rule in rules()]
    assert len(alerts) == len(set(alerts))
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_alert_is_explained_in_the_order_of_urgency():
    explained = re.findall(r"^### (Coronode\w+)$", OPERATING.read_text(), re.MULTILINE)
    assert explained == [rule["alert"] for rule in rules()]
    severities = [rule["labels"]["severity"] for rule in rules()]
    assert severities == sorted(severities)  # what is critical comes first


def test_the_panels_of_the_dashboard_do_not_overlap_and_ask_the_chosen_source():
    dashboard = json.loads(DASHBOARD.read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert dashboard["templating"]["list"][0]["name"] == "datasource"
    titles = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert titles == ["Is it well?", "Receiving", "Scoring", "Delivering", "Machine"]


@pytest.mark.peer
def test_prometheus_reads_the_rules_and_fires_them_when_it_should():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian: prometheus)")
    for arguments in (["check", "rules", str(RULES)], ["test", "rules", "rules_test.yml"]):
        done = subprocess.run(
            [promtool, *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.peer
def test_prometheus_reads_every_expression_of_the_dashboard(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool (Debian: prometheus)")
    found = [text for text in expressions(json.loads(DASHBOARD.read_text())) if not text.startswith("label_values")]
    plain = [text.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$job", ".*") for text in found]
    records = [{"record": f"check:{number}", "expr": text} for number, text in enumerate(plain)]
    file = tmp_path / "dashboard.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
