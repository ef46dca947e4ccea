"""What an act is by its effect: whoever takes many clients' contact values exports them, whatever the call is named (attacks X6)."""

from __future__ import annotations

from policies.document import ThresholdText
from policies.request import WRITES, AccessRequest, Action

EXPORTS = frozenset({Action.EXPORT, Action.REPORT, Action.PRINT})
"""Acts that are an export by name."""
CHANGES = WRITES | {Action.BULK}
"""Acts that change something: they are held before they reach the CRM."""
CHANGES_EXISTING = CHANGES - {Action.CREATE, Action.GRANT_ACCESS}
"""Acts on clients that exist: without knowing which, nobody can say whose they are."""


def effective_action(request: AccessRequest, threshold: ThresholdText) -> Action:
    """The class of the act: its own, or EXPORT where it delivers contact fields of too many clients in one answer or in one minute.

    Only clear values count, and in the minute only an act that adds to it: reading again what was just exported is reading.
    """
    if request.action in EXPORTS:
        return request.action
    if len(request.resource.clear_contact_ids) > threshold.answer:
        return Action.EXPORT
    taken = request.usage.after.taken_minute
    if taken > threshold.minute and taken > request.usage.before.taken_minute:
        return Action.EXPORT
    return request.action
