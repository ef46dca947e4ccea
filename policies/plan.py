"""What a person may be given of a whole type of records, before any of them was read: always, never, or those for which a tree is true.

The act is known (who, when, by which road), the records are not: rules are worked out as far as the act goes, and what is left of their
`where` is the tree (`tree.py`). It can be pushed into the question to the CRM, so that what would be taken out is not read at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policies.tree import Node


class PlanKind(StrEnum):
    """Which records may be given out."""

    ALWAYS = "always"
    """All of them."""
    NEVER = "never"
    """None: the act is denied, whatever the records are."""
    CONDITIONAL = "conditional"
    """Those for which the tree is true."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of an act, by the act's name. Masks and requirements are no part of it: `decide` says them with the answer."""

    kind: PlanKind
    tree: Node | None
    """Of a conditional plan; else None."""
    exact: bool
    """True: of any records, `decide` keeps exactly those of the plan, where it allows the act by its name. False: at most those."""
    later: tuple[str, ...] = ()
    """Ids of the rules because of which it is not exact: something in them can only be judged with the answer."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that the plan is made of."""
