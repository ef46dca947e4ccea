"""Where an act needs something that nobody can be asked for on this road, it is denied, and the person hears what is missing."""

from __future__ import annotations

from policies import reasons
from policies.decision import Challenge, Deny
from policies.reasons import Because

_ASKING = frozenset(
    {
        *("export_needs_key", "report_needs_key", "delete_needs_key", "limit_needs_key", "changes_need_key"),
        *("export_justified", "export_warned", "send_justified", "send_warned", "send_needs_consent"),
    }
)
"""Reasons that tell the person to confirm, or to ask others: here that would not help."""


def unasked(challenge: Challenge) -> Deny:
    """The denial, in the rules' own words where they ask for nothing."""
    general = Because(reasons.NOT_ASKED_FOR, {"needs": ", ".join(kind.value for kind in challenge.needs)})
    said = tuple(because for because in challenge.reasons if because.reason.code not in _ASKING)
    return Deny((*said, general), challenge.rules)
