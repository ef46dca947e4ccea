"""Rows that are not as Torwart wrote them, in words: what they are, why they give nothing, and the command for each (decision 0020)."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from auth.sealed_rows import DELETED, MISSING, OLDER, SEAL, UNLISTED
from console.words import N_

KINDS: Mapping[str, str] = {
    "people": N_("Person"),
    "crm_accounts": N_("Account of the CRM"),
    "risk_levels": N_("Level of watching"),
    "status_plans": N_("Planned status"),
    "crm_sessions": N_("Sign-in to the CRM"),
    "console_sessions": N_("Sign-in to Torwart"),
    "approval_requests": N_("Request for approval"),
    "approvals": N_("Answer to a request for approval"),
}
"""By table."""
CAUSES: Mapping[str, str] = {
    SEAL: N_("written or changed by something else"),
    OLDER: N_("an older copy of the row"),
    UNLISTED: N_("an older copy, or not the person's"),
    MISSING: N_("a row of theirs was deleted"),
    DELETED: N_("the person was deleted"),
}
"""By `SealedRow.doubt`."""

WHO, PSEUDONYM, ACCOUNT = "PERSON", "PSEUDONYM", "LOGIN"
"""What stands in a command for whom it is about, where a page names nobody."""


def way_back(table: str, *, who: str = WHO, pseudonym: str = PSEUDONYM, account: str = ACCOUNT, deleted: bool = False) -> str | None:
    """The command by which such a row counts again, or is gone for good; None: there is none, what waited is asked for again.

    `who` and `pseudonym`: of the person that the row is about. `deleted`: the person is not there any more, and what is left of theirs goes
    with the same command.
    """
    accept = f"torwart people accept {who} --confirm {pseudonym}"
    if deleted or table in ("people", "crm_sessions", "console_sessions"):
        return accept
    match table:
        case "crm_accounts":
            return f"{accept} --account {shlex.quote(account)}"
        case "risk_levels":
            return f"torwart people level {who} LEVEL --reason TEXT"
        case "status_plans":
            return f"torwart people plans --drop {who}"
    return None
