"""Where an act needs something that nobody can be asked for on this road, it is denied, and the person hears what is missing."""

from __future__ import annotations

from policies import reasons
from policies.decision import Challenge, Deny
from policies.reasons import Because

_ABOUT_THE_KEY = frozenset({"export_needs_key", "report_needs_key", "delete_needs_key", "limit_needs_key", "changes_need_key"})
"""Reasons that tell the person to touch the key: here that would not help."""


def unasked(challenge: Challenge) -> Deny:
    """The denial, in the rules' own words where they do not speak of a key."""
    general = Because(reasons.NOT_ASKED_FOR, {"needs": ", ".join(kind.value for kind in challenge.needs)})
    said = tuple(because for because in challenge.reasons if because.reason.code not in _ABOUT_THE_KEY)
    return Deny((*said, general), challenge.rules)
