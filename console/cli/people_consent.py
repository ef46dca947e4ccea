"""For commands that give a role which hands out keys: two people's keys say yes to it, on the page Approvals."""

from __future__ import annotations

from auth.approvals import Approvals
from auth.command_line import print_json, say
from auth.key_consent import ConsentNeededError
from auth.role_consent import RoleConsent
from auth.stepup import clock_id
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from console.cli.house import House
from console.people_roles import approver_roles


def role_consent(house: House) -> RoleConsent:
    """Changes of people that ask a second person where they have to."""
    used = UsedActs(house.installation.state / USED_ACTS)
    sole = house.installation.sole_reviewer
    approvals = Approvals(house.engine, house.record, house.keys, house.pseudonyms, clock_id(house.engine), used=used, sole=sole)
    return RoleConsent(house.engine, house.people, approvals, proven=False, approvers=lambda: approver_roles(house.installation))


def say_asked(asked: ConsentNeededError, *, as_json: bool) -> None:
    """Say that others have to agree first."""
    if as_json:
        print_json({"state": "asked", "request": asked.request_id})
    else:
        say(f"Nothing was done yet: {asked}")
