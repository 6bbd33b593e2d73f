"""The identity of images: each has a SOP Instance UID of its own, or they cannot be told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from config.errors import NotScorable
from scoring.images.decoding import pixels
from scoring.images.slices import Slice


def check_uids(slices: Sequence[Slice]) -> None:
    """Refuse images without a UID, and different images under one; the same image given twice does no harm.

    The node never stores such images: it rejects the first kind and quarantines the second. Raises NotScorable:
    `no_uid` (PS3.3 C.12.1, type 1), `repeated_uid` (PS3.5 9), and what decoding raises when UIDs are repeated.
    """
    nameless = [item.path.name for item in slices if not item.sop_instance_uid]
    if nameless:
        raise NotScorable("no_uid", count=len(nameless), file=min(nameless))
    images: dict[tuple[str, int | None], list[Slice]] = defaultdict(list)
    for item in slices:
        images[item.sop_instance_uid, item.frame].append(item)
    for (uid, _), same in images.items():
        if any(not _is_same(same[0], other) for other in same[1:]):
            raise NotScorable("repeated_uid", uid=uid, count=len(same))


def _is_same(one: Slice, other: Slice) -> bool:
    """True if two files hold the same image at the same place."""
    return one.path == other.path or (one.plane == other.plane and pixels.hold_same_hu(one, other))
