"""Person names within the limits of their representation (PS3.5 6.2.1)."""

from __future__ import annotations

from typing import Final

_GROUPS: Final = 3
_COMPONENTS: Final = 5
_LONGEST_GROUP: Final = 64


def fit_name(name: str) -> tuple[str, bool]:
    """Fit a name into three groups of five components and 64 characters, and say whether something was left out.

    Components beyond the fifth are joined to it. Of a group that is too long the longest component is cut, so that no
    component vanishes. A name within the limits stays as it is.
    """
    groups = name.split("=")
    beyond = any(group.strip("^ ") for group in groups[_GROUPS:])
    fitted = [_fit_group(group) for group in groups[:_GROUPS]]
    whole = "=".join(group for group, _ in fitted)
    if not whole.strip("^= "):
        return "", beyond
    return whole if len(groups) <= _GROUPS else whole.rstrip("="), beyond or any(cut for _, cut in fitted)


def _fit_group(group: str) -> tuple[str, bool]:
    components = group.split("^")
    if len(components) > _COMPONENTS:
        rest = " ".join(part.strip() for part in components[_COMPONENTS - 1 :] if part.strip())
        components = [*components[: _COMPONENTS - 1], rest]
    joined = "^".join(components)
    excess = len(joined) - _LONGEST_GROUP
    if excess <= 0:
        return joined, False
    while excess > 0:
        longest = max(range(len(components)), key=lambda index: len(components[index]))
        others = max((len(part) for index, part in enumerate(components) if index != longest), default=0)
        share = max(1, min(excess, len(components[longest]) - others))
        components[longest] = components[longest][:-share]
        excess -= share
    return "^".join(part.rstrip() for part in components), True
