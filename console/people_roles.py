"""Which roles there are: those that Torwart has words for, those that people have, and those that the rules in force speak about."""

from __future__ import annotations

from collections.abc import Sequence

from auth.installation import Installation
from auth.people import People
from auth.policy_signature import PolicyKey
from console.words import ROLES
from policies.needs import AllOf, AnyOf, Approval, Need
from policies.problems import PolicyErrors
from policies.rule import Rule
from policies.store import PolicyStore


def known_roles(installation: Installation, people: People) -> frozenset[str]:
    """All of them: a role that is none of these is taken for a slip of the pen. Raises SecretError, OSError."""
    held = {role for person in people.all() for role in person.roles}
    return frozenset({*ROLES, *held, *_roles_of_rules(installation)})


def approver_roles(installation: Installation) -> frozenset[str]:
    """Roles whose approval a rule in force asks for. Raises SecretError, OSError."""
    return frozenset(role for rule in _rules(installation) if rule.need is not None for role in _roles_in(rule.need))


def _roles_of_rules(installation: Installation) -> frozenset[str]:
    return frozenset(role for rule in _rules(installation) for role in rule.roles or ())


def _rules(installation: Installation) -> Sequence[Rule]:
    try:
        return PolicyStore(installation.state / "policies", PolicyKey(installation.state / "keys")).current().rules
    except PolicyErrors:  # none are in force, or none that can be used: then they name nobody
        return ()


def _roles_in(need: Need) -> frozenset[str]:
    match need:
        case Approval(role=role):
            return frozenset(role.split("|"))
        case AllOf(needs) | AnyOf(needs):
            return frozenset(role for one in needs for role in _roles_in(one))
        case _:
            return frozenset()
