"""The desk at which results are reviewed: what is shown, changed and signed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from config.errors import CoronodeError, Permanent
from scoring.result import Review as Signature
from scoring.result import Score
from scoring.review.applying import apply_edit
from scoring.review.correction import correct, count_changes
from scoring.review.edits import Edit, EditRefused, Numbered, parse_edit, to_plain
from scoring.review.region import Regions
from scp.installation import Installation
from scp.reviewing.scans import Opened, Scans
from storage.database.engine import Database
from storage.reviews import drafts, reviews, signing
from storage.reviews.drafts import Author, Basis, Stale, TooManyEdits
from storage.reviews.reviews import Review, ReviewState
from storage.series import results, slices, states
from storage.series.results import Result
from storage.series.states import REPORTED, SeriesState

Change: TypeAlias = Callable[[Database, Basis, Author, datetime], None]
"""A change of the open review that needs no scan: `drafts.undo`, `drafts.redo`, `drafts.restart`."""

_REVISIONS = 1_000_000
"""A revision that is shown counts changes within a version of the series, more than one review can have."""


class NotReviewable(CoronodeError):
    """A series that has no result to review; the text says why, and what can be done."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A review as it stands: the series, its scan, the review if one was begun, and what it leaves.

    `overtaken` is an unsigned review of an earlier result, with edits.
    """

    series: SeriesState
    opened: Opened
    base_version: int
    review: Review | None
    overtaken: Review | None
    regions: Regions
    score: Score

    @property
    def revision(self) -> int:
        """Number that a change of this state must name."""
        return self.series.version * _REVISIONS + (self.review.revision if self.review else 0)

    @property
    def is_signed(self) -> bool:
        """True if what is shown is what a reader has signed."""
        return self.review is not None and self.review.state is ReviewState.SIGNED

    @property
    def can_be_signed(self) -> bool:
        """True unless it is signed, or the series is being received or scored again."""
        return not self.is_signed and self.series.state in REPORTED


class Desk:
    """Reviews of an installation; thread-safe."""

    def __init__(self, installation: Installation, scans: Scans) -> None:
        self._installation = installation
        self._database = installation.database
        self._scans = scans

    def show(self, series_instance_uid: str) -> Seen:
        """Return the review of a series as it stands.

        Raises UnknownSeries, NotReviewable when there is no result to review, NotScorable and Permanent when its images
        cannot be read or have changed, Transient when disk or database fail.
        """
        series = states.get(self._database, series_instance_uid)
        latest = reviews.find_latest(self._database, series_instance_uid)
        result = self._find_result(series)
        # while a late image is waited for, the result that is shown is that of the version before
        review = drafts.choose_current(latest, result.version)
        base = result.version if review is None else review.base_version
        base_result = result if base == result.version else results.get(self._database, series_instance_uid, base)
        if base_result is None:
            raise Permanent(f"the automatic result of version {base} is gone: score the series again")
        series = replace(series, version=result.version)
        opened = self._open(base_result)
        regions = opened.replay(list_counting(review))
        overtaken = latest if latest is not review and latest is not None and _is_unsigned(latest) else None
        score = correct(opened.scan, opened.automatic, regions, self._installation.settings.risk)
        return Seen(series, opened, base, review, overtaken, regions, score)

    def edit(self, series_instance_uid: str, revision: int, values: object, author: Author) -> Seen:
        """Make an edit, given as JSON values, and return what it leaves.

        Raises EditRefused when it cannot be done, Stale when the review has changed since `revision`, and as `show`.
        """
        edit = parse_edit(values)
        seen = self._check(series_instance_uid, revision)
        number = drafts.next_number(seen.review)
        words = apply_edit(seen.opened.scan, seen.regions, Numbered(number, edit)).words
        try:
            drafts.add_edit(
                self._database,
                _basis(seen),
                author,
                json.dumps(to_plain(edit)),
                json.dumps({"code": words.code, "values": dict(words.values)}),
                self._installation.clock(),
            )
        except TooManyEdits as error:
            raise EditRefused("too_many_edits", limit=drafts.MOST_EDITS) from error
        return self.show(series_instance_uid)

    def change(self, series_instance_uid: str, revision: int, change: Change, author: Author) -> Seen:
        """Undo, redo or restart, and return what it leaves. Raises Stale, and as `show`."""
        seen = self._check(series_instance_uid, revision)
        change(self._database, _basis(seen), author, self._installation.clock())
        return self.show(series_instance_uid)

    def sign(self, series_instance_uid: str, revision: int, author: Author, *, person: str) -> int:
        """Sign the review as it stands and return the version that carries the reader's result.

        `author.reader` must be a name; `person` is who signs as the audit log says it. Raises EditRefused when it is
        signed already, Stale, with the edits kept, when anything has changed since `revision`, and as `show`.
        """
        seen = self._check(series_instance_uid, revision)
        if seen.is_signed:
            raise EditRefused("already_signed")
        if not seen.can_be_signed:
            raise Stale
        now = self._installation.clock()
        automatic, counts = seen.opened.automatic, count_changes(seen.opened.automatic, seen.regions)
        signature = Signature(
            reader=author.reader,
            account=author.account,
            signed_at=now.astimezone().isoformat(timespec="seconds"),
            automatic_version=seen.base_version,
            automatic_agatston=automatic.agatston.total if automatic.agatston else 0.0,
            **counts,
        )
        score = replace(seen.score, review=signature)
        text = ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "unchanged"
        return signing.sign(self._database, _basis(seen), author, score.to_json(), now, person=person, text=text)

    def _check(self, series_instance_uid: str, revision: int) -> Seen:
        seen = self.show(series_instance_uid)
        if seen.revision != revision:
            raise Stale
        return seen

    def _find_result(self, series: SeriesState) -> Result:
        result = results.get(self._database, series.series_instance_uid)
        if result is None:
            raise NotReviewable(f"series {series.series_instance_uid} has not been scored: it is {series.state}")
        if result.status != "scored" or not result.score_json:
            raise NotReviewable(
                f"series {series.series_instance_uid} has no result to review: {series.reason or 'it cannot be scored'}"
            )
        return result

    def _open(self, result: Result) -> Opened:
        try:
            automatic = Score.from_json(result.score_json)
        except ValueError as error:
            raise Permanent("the result was stored by a newer version of the node and cannot be read") from error
        files = slices.require_files(self._database, self._installation.files, result.series_instance_uid)
        return self._scans.open(result.series_instance_uid, result.version, automatic, files)


def list_counting(review: Review | None) -> list[Numbered]:
    """List the edits of a review that count, as values."""
    made = review.counting if review is not None else ()
    return [Numbered(item.number, _read(item.edit_json)) for item in made]


def _read(edit_json: str) -> Edit:
    return parse_edit(json.loads(edit_json))


def _is_unsigned(review: Review) -> bool:
    return review.state is not ReviewState.SIGNED and bool(review.counting)


def _basis(seen: Seen) -> Basis:
    return Basis(
        seen.series.series_instance_uid,
        seen.series.version,
        seen.base_version,
        seen.review.revision if seen.review else 0,
    )
