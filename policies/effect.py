"""What an act is by its effect: whoever takes many clients' contact values exports them, whatever the call is named (attacks X6)."""

from __future__ import annotations

from policies.document import ThresholdText
from policies.request import WRITES, AccessRequest, Action

EXPORTS = frozenset({Action.EXPORT, Action.REPORT, Action.PRINT})
"""Acts that are an export by name."""
READING = (Action.LIST, Action.READ, Action.SEARCH, Action.EXPORT, Action.REPORT, Action.PRINT)
"""Acts that deliver clients or say which there are: what is masked on one of them could be asked for by any other."""
CHANGES = WRITES | {Action.BULK}
"""Acts that change something: they are held before they reach the CRM."""
MAKES_NEW = frozenset({Action.CREATE, Action.GRANT_ACCESS})
"""Changes that begin without a client: no rule about some records can allow them before they are done."""
CHANGES_EXISTING = CHANGES - MAKES_NEW
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
