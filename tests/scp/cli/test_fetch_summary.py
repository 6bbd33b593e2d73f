"""The last line of `coronode fetch`."""

from collections import Counter

import pytest

from scp.cli.terminal.fetch_progress import describe_summary
from scp.fetching.summary import Summary


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (Summary(), "studies: nothing to do; 0 objects, 0.0 MB"),
        (Summary(given_up="PACS: refused"), "studies: none; 0 objects, 0.0 MB; given up: PACS: refused"),
        (Summary(is_cut=True), "studies: none; 0 objects, 0.0 MB; stopped before the end; the same command goes on"),
        (
            Summary(Counter({"fetched": 2, "not_found": 1}), 51, 27_000_000, known=3),
            "studies: 2 fetched, 1 not found; 51 objects, 27.0 MB; 3 requests done before",
        ),
    ],
)
def test_it_counts_what_became_of_the_studies(summary, line):
    assert describe_summary(summary) == line
