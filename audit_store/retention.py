"""How long what kind of event is kept: the classes of events, and which one an event belongs to.

A class that is over loses its events' content, never their place and their hash: chain, trees and statements stay as they are
(`audit_store.log_removal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from audit_store.ecs import EventAction, Phase
from policies.request import Action


class Kept(StrEnum):
    """A class of events that are kept for the same time."""

    READING = "reading"
    """Ordinary reading in the CRM that was let through, and files that an agent saw: most of the record."""
    EVIDENCE = "evidence"
    """Exports, changes, uploads, copied files, what was denied, held or confirmed, alerts, keys, people and rules."""
    SIGN_INS = "sign_ins"
    """Sign-ins and sign-outs, at the CRM and at Torwart."""
    LOOKS = "looks"
    """Who looked at what is stored about whom."""
    TROUBLE = "trouble"
    """How Torwart itself is doing: starts, self-tests, refused connections and calls that could not be read."""


DEFAULT_DAYS: Mapping[Kept, int] = MappingProxyType(
    {Kept.READING: 365, Kept.EVIDENCE: 1_461, Kept.SIGN_INS: 365, Kept.LOOKS: 365, Kept.TROUBLE: 180}
)
"""1,461 days are four years: claims lapse three years after the end of the year in which they arose (German Civil Code, sections 195 and
199)."""
LEAST_DAYS: Mapping[Kept, int] = MappingProxyType(
    {Kept.READING: 60, Kept.EVIDENCE: 365, Kept.SIGN_INS: 30, Kept.LOOKS: 90, Kept.TROUBLE: 30}
)
"""Limits count over 30 days, and look at nothing older; a removal of anything younger is never accepted by verification."""
FOR_EVER = frozenset(
    {
        EventAction.STORE_ALARM,
        EventAction.OUTSIDE_PLACE,
        EventAction.CHECKPOINT_KEY_CHANGED,
        EventAction.EVENTS_REMOVED,
        EventAction.PERSON_ERASED,
    }
)
"""What says how the record itself fared: without it nobody could tell what is missing, and why."""
_SIGN_INS = frozenset(
    {
        EventAction.LOGIN,
        EventAction.LOGIN_FAILED,
        EventAction.LOGOUT,
        EventAction.CONSOLE_LOGIN,
        EventAction.CONSOLE_LOGOUT,
        EventAction.SESSION_CUT,
    }
)
_TROUBLE = frozenset(
    {
        EventAction.REFUSED,
        EventAction.GATEWAY_STARTED,
        EventAction.GATEWAY_STOPPED,
        EventAction.SELF_TEST,
        EventAction.CONNECTION_REFUSED,
        EventAction.TUNNEL_UNREAD,
        EventAction.AGENT_STARTED,
        EventAction.AGENT_STOPPED,
        EventAction.AGENT_LOSS,
        EventAction.INDEX_BUILT,
    }
)
_READING = frozenset({Action.LIST, Action.READ, Action.SEARCH, Action.SYSTEM, Action.LOGIN})
_WENT_THROUGH = frozenset({Phase.ALLOWED, Phase.RELEASED})
ACTIONS: Mapping[Kept, frozenset[str]] = MappingProxyType(
    {
        Kept.READING: frozenset({EventAction.ACCESS, EventAction.FILE_SEEN}),
        Kept.SIGN_INS: _SIGN_INS,
        Kept.LOOKS: frozenset({EventAction.RECORD_VIEWED}),
        Kept.TROUBLE: _TROUBLE,
    }
)
"""Values of `event.action` that a class can have; `EVIDENCE` has all that are left, those of other releases too."""


def class_of(document: Mapping[str, Any]) -> Kept | None:
    """The class of an event; None: it is kept for ever, as is what cannot be read."""
    try:
        action = document["event"]["action"]
        if not isinstance(action, str) or action in FOR_EVER:
            return None
        if action == EventAction.ACCESS:
            return Kept.READING if _is_reading(document) else Kept.EVIDENCE
    except (KeyError, TypeError):
        return None
    return next((kept for kept, actions in ACTIONS.items() if action in actions), Kept.EVIDENCE)


def _is_reading(document: Mapping[str, Any]) -> bool:
    """Let through as it was asked for: with findings, with a word to the people who watch or with an export it is evidence."""
    ours = document["torwart"]
    plain = ours["act"]["action"] in _READING and ours["act"]["phase"] in _WENT_THROUGH
    return plain and not any(member in ours for member in ("findings", "notify", "manifest", "exports", "needs", "observed"))
