"""What the node found, in brief, by the database itself."""

import json

from storage.series import lifecycle
from storage.validation import scored


def finish(node, uid, version, score, status="scored", seconds=0, **more):
    node.complete(uid, 60 + seconds)
    lifecycle.start_scoring(node.db, uid, version, node.at(70 + seconds))
    text = json.dumps(score) if score else ""
    lifecycle.finish(node.db, uid, version, text, status, now=node.at(80 + seconds), **more)


def test_the_latest_automatic_result_of_each_series_counts(node):
    for uid in ("1.1", "1.2", "1.3"):
        node.series(1, uid, Manufacturer="ACME", ManufacturerModelName="Ultra")
    finish(node, "1.1", 1, {"category": "0"})
    lifecycle.rescore(node.db, "1.1", node.at(100))
    finish(node, "1.1", 2, {"category": "1-100", "review": None}, seconds=100)
    lifecycle.rescore(node.db, "1.1", node.at(300))
    finish(node, "1.1", 3, {"category": ">400", "review": {"reader": "Dr. B"}}, seconds=300)
    finish(node, "1.2", 1, None, "not_scorable", seconds=10, reason_code="contrast")
    found = {one.series_instance_uid: one for one in scored.list_outcomes(node.db)}
    assert set(found) == {"1.1", "1.2"}
    assert (found["1.1"].version, found["1.1"].category, found["1.1"].scanner) == (2, "1-100", "ACME Ultra")
    assert (found["1.2"].category, found["1.2"].reason_code) == (None, "contrast")
    assert [one.series_instance_uid for one in scored.list_outcomes(node.db, since=node.at(150))] == ["1.1"]


def test_versions_come_by_series(node):
    node.series(1, "1.1")
    finish(node, "1.1", 1, {"category": "0"})
    (found,) = scored.iterate_versions(node.db, ["1.1", "9"])
    assert (found.version, found.status, json.loads(found.score_json)) == (1, "scored", {"category": "0"})
