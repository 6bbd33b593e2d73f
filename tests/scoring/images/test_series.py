"""Files grouped into series."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.images import series as grouping


def test_series_of_a_folder(ct, series, tmp_path) -> None:
    hu = np.zeros((3, 4, 4), dtype=np.int16)
    second = series(hu, folder="b/deep", SeriesInstanceUID="1.2.3.2", SeriesNumber=2, SeriesDescription="thin")
    first = series(hu, folder="a", SeriesInstanceUID="1.2.3.10", SeriesNumber=1)
    more = series(hu, folder="c", SeriesInstanceUID="1.2.3.10", SeriesNumber=1)
    (tmp_path / "truth.json").write_text("{}")
    found = grouping.group([tmp_path, first[0]])
    assert [item.series_instance_uid for item in found] == ["1.2.3.10", "1.2.3.2"]
    assert found[0].paths == tuple(sorted(first + more))
    assert found[1].paths == tuple(second)
    assert (found[1].number, found[1].description, found[1].modality) == (2, "thin", "CT")
    assert grouping.group([first[2], *second, *more, *first[:2]]) == found


def test_nothing_to_group(tmp_path) -> None:
    assert grouping.group([tmp_path]) == []
    with pytest.raises(FileNotFoundError):
        grouping.group([tmp_path / "nowhere"])
