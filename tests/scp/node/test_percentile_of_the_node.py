"""The site's risk settings reach the results of the node."""

from __future__ import annotations

from scoring.result import Score
from storage.series import results


def test_the_configured_group_gives_a_percentile_and_nothing_clinical_is_assumed(
    patient, configured, run_node, scanner_of, eventually
):
    images = patient()
    for image in images:
        image.PatientSex, image.PatientAge = "M", "062Y"
        image.EthnicGroup = "registered as B"
    uid = images[0].SeriesInstanceUID
    settings = configured({}, risk={"group": "white", "groups": {"Registered as B": "black"}})
    with run_node(settings) as node:
        scanner_of(node).send(images)
        eventually("a result", lambda: results.get(node.database, uid))
        score = Score.from_json(results.get(node.database, uid).score_json)
    assert score.status == "scored", score.reason
    assert (score.patient.group, score.patient.group_origin) == ("black", "header")
    assert (score.percentile.group, score.percentile.sex, score.percentile.age_years) == ("black", "male", 62)
    # of black men, 46 % have calcium at 60 years and 56 % at 65
    assert score.percentile.p_nonzero_percent == 50
    assert score.risk.ten_year_percent is None
    assert "cholesterol" in score.risk.ten_year_reason.text
