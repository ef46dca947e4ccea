"""Which roles there are: those that Torwart has words for, those that people have, and those that the rules in force speak about."""

from __future__ import annotations

from auth.installation import Installation
from auth.people import People
from auth.policy_signature import PolicyKey
from console.words import ROLES
from policies.problems import PolicyErrors
from policies.store import PolicyStore


def known_roles(installation: Installation, people: People) -> frozenset[str]:
    """All of them: a role that is none of these is taken for a slip of the pen. Raises SecretError, OSError."""
    held = {role for person in people.all() for role in person.roles}
    return frozenset({*ROLES, *held, *_roles_of_rules(installation)})


def _roles_of_rules(installation: Installation) -> frozenset[str]:
    try:
        rules = PolicyStore(installation.state / "policies", PolicyKey(installation.state / "keys")).current().rules
    except PolicyErrors:  # none are in force, or none that can be used: then they name nobody
        return frozenset()
    return frozenset(role for rule in rules for role in rule.roles or ())
