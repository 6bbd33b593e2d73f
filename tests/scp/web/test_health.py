"""Health, readiness and metrics: at their own paths, open without an account."""

from __future__ import annotations

from config.settings import NodeSettings


def test_metrics_come_from_the_node(web):
    answer = web.client.get("/metrics")
    assert answer.status_code == 200
    assert "of_the_node 1.0" in answer.text.splitlines()
    assert "\ncoronode_results_held 0.0\n" in answer.text
    assert '\ncoronode_drift_alarms{sign="kappa"} 0.0\n' in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_metrics_answer_nowhere_else(web):
    for path in ("/metrics/", "/metrics/x", "/anything", "/health/metrics"):
        answer = web.client.get(path)
        assert answer.status_code == 404, path
        assert "of_the_node" not in answer.text


def test_a_silent_node_has_no_metrics(web):
    web.node.answers.clear()
    answer = web.client.get("/metrics")
    assert answer.status_code == 503
    assert "the node has ended" in answer.text


def test_health_asks_nobody(web):
    web.node.answers.clear()
    assert web.client.get("/health").text == "ok\n"


def test_ready_when_database_disk_and_scorer_are(web):
    answer = web.client.get("/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "faults": {}})


def test_not_ready_without_a_scorer(web):
    web.node.answers["scorer"] = False
    answer = web.client.get("/ready")
    assert answer.status_code == 503
    assert set(answer.json()["faults"]) == {"scorer"}


def test_not_ready_below_the_reserve_of_disk_space(new_web):
    web = new_web(node={"reserve_mb": 10**9})
    assert NodeSettings(reserve_mb=10**9)
    assert "node.reserve_mb" in web.client.get("/ready").json()["faults"]["disk"]


def test_health_is_open_to_other_machines(web):
    assert web.browser(address="192.0.2.7").get("/health").status_code == 200
