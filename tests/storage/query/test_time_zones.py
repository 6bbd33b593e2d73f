"""Dates and times across time zones, and together, against arithmetic with aware points in time."""

from __future__ import annotations

import io
import random
import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset

from storage.query.search import Search

ZONES = ["", "+0000", "+0100", "-0800", "+0545", "+1400", "-1200"]
DATES = ["20240229", "20240301", "20231231", "20240101"]
TIMES = ["", "00", "0015", "101500", "1015", "235959.999999", "2330", "120000.5"]
TITLES = ("StudyDate", "StudyTime", "TimezoneOffsetFromUTC")


def corpus():
    draw = random.Random(11)  # noqa: S311
    studies = [(date, time, zone) for zone in ZONES for date in DATES for time in draw.sample(TIMES, 4)]
    return {f"1.{number}": study for number, study in enumerate(studies)}


STUDIES = corpus()


def uids_of(study):
    return {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1", "SOPInstanceUID": f"{study}.1.1"}


@pytest.fixture(scope="module")
def filled(shared_node):
    for uid, (date, time, zone) in STUDIES.items():
        values = dict(zip(TITLES, (date, time, zone), strict=True))
        values["AcquisitionDateTime"] = f"{date}{time}{zone if uid.endswith('7') else ''}"
        given_values = {name: value for name, value in values.items() if value}
        shared_node.store(shared_node.ct(**uids_of(uid), **given_values))
    return shared_node


def ask(node, level="STUDY", combined=False, **keys):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    found = Search.parse("study", identifier, combined=combined).encode_matches(node.db, implicit=False)
    return [read_dataset(io.BytesIO(data), is_implicit_VR=False, is_little_endian=True) for data in found]


def found(node, **keys):
    return {str(answer.StudyInstanceUID) for answer in ask(node, StudyInstanceUID="", **keys)}


def delta(zone):
    hours, minutes = int(zone[1:3]), int(zone[3:])
    return timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)


def moment(date, time, zone):
    whole, _, fraction = time.partition(".")
    parsed = datetime.strptime(f"{date}{whole:0<6}{zone}", "%Y%m%d%H%M%S%z")
    return parsed.replace(microsecond=int(fraction.ljust(6, "0")))


def bounds(key):
    """The first and last text of a single value or range."""
    first, dash, last = key.partition("-")
    return (first, last) if dash else (key, key)


def after(text):
    """The time after all times of this precision."""
    whole, _, fraction = text.partition(".")
    unit = {2: timedelta(hours=1), 4: timedelta(minutes=1), 6: timedelta(seconds=1)}[len(whole)]
    return timedelta(microseconds=10 ** (6 - len(fraction))) if fraction else unit


def seconds(text):
    return moment("20240101", text, "+0000") - moment("20240101", "00", "+0000")


def fits_time(key, time):
    first, last = bounds(key)
    return (not first or time >= seconds(first)) and (not last or time < seconds(last) + after(last))


def fits_date(key, date):
    first, last = bounds(key)
    return (not first or date >= first) and (not last or date <= last)


def expected_apart(date_key, time_key, offset):
    def matches(date, time, zone):
        if not time:
            return not time_key.strip("-") and fits_date(date_key, date)
        here = moment(date, time, zone or "+0000")
        if zone and offset:
            here = here.astimezone(timezone(delta(offset)))
        of_day = timedelta(hours=here.hour, minutes=here.minute, seconds=here.second, microseconds=here.microsecond)
        return fits_date(date_key, f"{here:%Y%m%d}") and fits_time(time_key, of_day)

    return {uid for uid, study in STUDIES.items() if matches(*study)}


KEPT = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
DATE = st.sampled_from([*DATES, "20240228", "20240302"])
TIME = st.sampled_from([*TIMES[1:], "09", "2345", "101500.000", "23", "000000.000001"])
OFFSET = st.sampled_from([*ZONES, "-0930", "+0845"])
FORM = st.sampled_from(["{}-{}", "{}-", "-{1}"])


@st.composite
def key(draw, one):
    first, last = sorted((draw(one), draw(one)))
    return draw(st.sampled_from(["", first, f"{first}-{last}", f"{first}-", f"-{last}"]))


@KEPT
@given(date=key(DATE), time=key(TIME), offset=OFFSET)
def test_dates_and_times_are_those_of_the_zone_of_the_request(filled, date, time, offset):
    zone = {"TimezoneOffsetFromUTC": offset} if offset else {}
    assert found(filled, StudyDate=date, StudyTime=time, **zone) == expected_apart(date, time, offset)


@KEPT
@given(
    dates=st.tuples(DATE, DATE),
    times=st.tuples(TIME, TIME),
    form=st.sampled_from(["{}-{}", "{}-", "-{1}"]),
    offset=OFFSET,
)
@example(dates=("20240302", "20240302"), times=("0015", "00"), form="{}-", offset="+1400")
def test_combined_a_date_and_a_time_are_one_moment(filled, dates, times, form, offset):
    date, time = (re.sub("^-$", "", form.format(*both)) for both in (sorted(dates), times))
    (first_day, last_day), (first, last) = bounds(date), bounds(time)

    def matches(day, time, zone):
        known = zone if zone and offset else ""
        here = moment(day, time or "00", known or "+0000")
        own = (offset if known else "") or "+0000"
        low = not first or here >= moment(first_day, first, own)
        return low and (not last or here < moment(last_day, last, own) + after(last))

    zone = {"TimezoneOffsetFromUTC": offset} if offset else {}
    answers = found(filled, combined=True, StudyDate=date, StudyTime=time, **zone)
    assert answers == {uid for uid, study in STUDIES.items() if matches(*study)}


def test_the_example_of_the_standard(node):
    """PS3.4 C.2.2.2.5.4: from 5 July, 10 o'clock, to 7 July, 18 o'clock; else the same hours of three days."""
    moments = [("20060705", "0959"), ("20060705", "10"), ("20060706", "03"), ("20060707", "1801")]
    for number, (date, time) in enumerate(moments):
        node.store(node.ct(**uids_of(f"1.{number}"), StudyDate=date, StudyTime=time))
    keys = {"StudyDate": "20060705-20060707", "StudyTime": "1000-1800"}
    assert found(node, combined=True, **keys) == {"1.1", "1.2"}
    assert found(node, **keys) == {"1.1"}
    # of different forms, they are independent
    assert found(node, combined=True, **keys | {"StudyDate": "20060706-"}) == set()
    assert found(node, combined=True, **keys | {"StudyDate": "20060705"}) == {"1.1"}


@KEPT
@given(
    low=st.none() | st.tuples(DATE, TIME),
    high=st.none() | st.tuples(DATE, TIME),
    own=OFFSET,
    offset=OFFSET,
)
def test_date_times_have_their_own_zone_or_that_of_their_data_set(filled, low, high, own, offset):
    first, last = ("" if one is None else "".join(one) + own for one in (low, high))
    known = own or offset

    def matches(uid, date, time, zone):
        here_zone = zone if known else ""
        here = moment(date, time or "00", here_zone or "+0000")
        of_key = (known if here_zone else "") or "+0000"
        if low is None and high is None:
            return True
        return (low is None or here >= moment(*low, of_key)) and (
            high is None or here < moment(*high, of_key) + after(high[1])
        )

    zone = {"TimezoneOffsetFromUTC": offset} if offset else {}
    answers = ask(filled, "IMAGE", StudyInstanceUID="", AcquisitionDateTime=f"{first}-{last}", **zone)
    assert {answer.StudyInstanceUID for answer in answers} == {
        uid for uid, study in STUDIES.items() if matches(uid, *study)
    }


def test_answers_have_the_zone_of_their_dates(filled):
    for answer in ask(filled, StudyInstanceUID="", StudyDate="", StudyTime=""):
        stored = STUDIES[answer.StudyInstanceUID]
        assert (answer.StudyDate, answer.StudyTime, zone_of(answer) or "") == stored
    for answer in ask(filled, StudyInstanceUID="", TimezoneOffsetFromUTC=""):  # asked for alone
        assert (zone_of(answer) or "") == STUDIES[answer.StudyInstanceUID][2]
    # no date that it would be of
    assert all(zone_of(answer) is None for answer in ask(filled, StudyInstanceUID="", PatientBirthDate=""))


def zone_of(answer):
    return answer.get("TimezoneOffsetFromUTC")


def test_answers_of_several_zones_have_none(node):
    """A study of summer with a series of winter: no offset holds for both."""
    study = {"StudyDate": "20240701", "StudyTime": "08"}
    node.store(node.ct(**study, SeriesTime="08", TimezoneOffsetFromUTC="+0200"))
    uids = {"SeriesInstanceUID": "1.2.1.2", "SOPInstanceUID": "1.2.1.2.1"}
    node.store(node.ct(**uids, **study, SeriesTime="09", TimezoneOffsetFromUTC="+0100"))
    both = ask(node, "SERIES", SeriesTime="", StudyTime="")
    assert {str(answer.SeriesTime): zone_of(answer) for answer in both} == {"08": "+0200", "09": None}
    one = ask(node, "SERIES", SeriesTime="")
    assert {str(answer.SeriesTime): zone_of(answer) for answer in one} == {"08": "+0200", "09": "+0100"}


@pytest.mark.parametrize("offset", ["", "nonsense", "+9999", "-0000", "*"])
def test_what_is_no_offset_is_neither_matched_nor_answered_nor_a_zone(filled, offset):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyDate = "20240229"
    identifier.TimezoneOffsetFromUTC = offset
    search = Search.parse("study", identifier)
    assert search.unsupported == ()
    assert search.offset is None
    assert len(list(search.encode_matches(filled.db, implicit=True))) == len(expected_apart("20240229", "", ""))


def test_an_invalid_offset_of_an_object_is_unknown(node):
    for study, offset in (("1.8", "+01:00"), ("1.9", "Berlin")):
        keys = {"StudyDate": "20240229", "StudyTime": "0030", "TimezoneOffsetFromUTC": offset}
        node.store(node.ct(**uids_of(study), **keys))
    assert found(node, StudyDate="20240228", TimezoneOffsetFromUTC="+0000") == {"1.8"}
    assert found(node, StudyDate="20240229", TimezoneOffsetFromUTC="+0000") == {"1.9"}


@pytest.mark.parametrize("value", ["00010101", "99991231", "00010101-99991231", "20240231", "99990101-", "-00010101"])
def test_dates_at_the_ends_of_the_calendar_and_outside(filled, value):
    everything = set(STUDIES) if value == "00010101-99991231" else set()
    assert found(filled, StudyDate=value, TimezoneOffsetFromUTC="+1400") == everything
    assert found(filled, StudyDate=value, TimezoneOffsetFromUTC="-1200") == everything


def test_a_date_range_in_another_zone_uses_the_index(node):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "STUDY"
    identifier.StudyDate = "20240101-20240102"
    identifier.TimezoneOffsetFromUTC = "+0100"
    statement, _ = Search.parse("study", identifier).build_statement("sqlite")
    with node.db.engine.connect() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
    assert any("ix_studies_study_date" in step for step in plan)
