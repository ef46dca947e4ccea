"""What an event can be about, and what the Elastic Common Schema calls it (ECS 9.5, "Categorization fields")."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from policies.request import Action

ECS_VERSION = "9.5.0"


class EventAction(StrEnum):
    """What an event is about: `event.action`."""

    ACCESS = "access"
    LOGIN = "login"
    LOGIN_FAILED = "login-failed"
    LOGOUT = "logout"
    REFUSED = "refused"
    KEY_ENROLLED = "key-enrolled"
    KEY_REFUSED = "key-refused"
    KEY_LOCKED = "key-locked"
    KEY_REMOVED = "key-removed"
    KEY_METADATA_LOADED = "key-metadata-loaded"
    """A list of authenticator models of the FIDO Alliance, from a file."""
    TOTP_ENROLLED = "totp-enrolled"
    """An authenticator app has shown its first code."""
    TOTP_REMOVED = "totp-removed"
    TOTP_LOCKED = "totp-locked"
    """Too many wrong codes: the app is worth nothing until it is enrolled anew."""
    CODE_REFUSED = "code-refused"
    """A code that somebody typed was not accepted: of an app, of the second road, for a recovery or from the envelope."""
    SECOND_ROAD_OPENED = "second-road-opened"
    """An act was opened on another device of its person by a short code."""
    RECOVERY_CODES_ISSUED = "recovery-codes-issued"
    RECOVERY_OPENED = "recovery-opened"
    """A person has lost the key and is to get a new one."""
    RECOVERY_ENDED = "recovery-ended"
    BREAK_GLASS_SEALED = "break-glass-sealed"
    """A new envelope with the code for the worst day; the one before is void."""
    BREAK_GLASS_USED = "break-glass-used"
    BREAK_GLASS_ENDED = "break-glass-ended"
    RECOVERY_NOTIFIED = "recovery-notified"
    """Those who have to know of a recovery were told by mail."""
    TOKEN_ISSUED = "token-issued"  # noqa: S105 -- a name, no secret
    ENROLMENT_WITNESSED = "enrolment-witnessed"
    """An administrator's own key said that the next key of the subject is registered in person."""
    STEP_UP_CONFIRMED = "step-up-confirmed"
    STEP_UP_REFUSED = "step-up-refused"
    STEP_UP_ENDED = "step-up-ended"
    """An act that was never confirmed: turned down, or out of time."""
    APPROVAL_ASKED = "approval-asked"
    """Somebody asks that others say yes to something that nobody may do alone."""
    APPROVAL_NOTICED = "approval-noticed"
    """The address outside was told of something that one person may approve alone after a delay."""
    APPROVAL_GIVEN = "approval-given"
    APPROVAL_TURNED_DOWN = "approval-turned-down"
    """One of those who were asked said no."""
    APPROVAL_REFUSED = "approval-refused"
    """An answer that was not accepted; the cause says why."""
    APPROVAL_TAKEN = "approval-taken"
    """Enough have said yes, and it let its act go on once."""
    NAME_REVEALED = "name-revealed"
    """Two people have opened the name behind a pseudonym to one of them, for a case and a time."""
    APPROVAL_ENDED = "approval-ended"
    """Nobody needs to answer any more: withdrawn, or out of time."""
    APPROVAL_DOUBTED = "approval-doubted"
    """A yes that was right when it was given is not right any more: altered, its key locked, its person without the role."""
    PERSON_CREATED = "person-created"
    PERSON_CHANGED = "person-changed"
    """Name, address, team, territory, manager or language; the words say which."""
    ROLES_CHANGED = "roles-changed"
    PEOPLE_IMPORTED = "people-imported"
    """A table of people was taken over, or that was undone; what it changed about each of them is an event of its own."""
    STATUS_CHANGED = "status-changed"
    STATUS_PLANNED = "status-planned"
    """A status that the person will have from a day on."""
    STATUS_PLAN_ENDED = "status-plan-ended"
    """What was planned will not happen: withdrawn, or overtaken by a status that says more."""
    LEAVE_CHANGED = "leave-changed"
    LEVEL_CHANGED = "level-changed"
    """How closely a person is watched."""
    PERSON_ERASED = "person-erased"
    """Name, address, accounts, keys and words about the person are deleted; what was counted stays under the pseudonym."""
    PERSON_DISCLOSED = "person-disclosed"
    """Everything stored about the person was written out for them."""
    PERSON_FROZEN = "person-frozen"
    PERSON_UNFROZEN = "person-unfrozen"
    ACCOUNT_BOUND = "account-bound"
    ACCOUNT_UNBOUND = "account-unbound"
    ASSIGNMENTS_IMPORTED = "assignments-imported"
    SESSION_CUT = "session-cut"
    CUT_TRIED = "cut-tried"
    """Whether what was cut is really refused: tried, one by one, and asked of every gateway."""
    POLICY_ACTIVATED = "policy-activated"
    POLICY_REFUSED = "policy-refused"
    GATEWAY_STARTED = "gateway-started"
    GATEWAY_STOPPED = "gateway-stopped"
    SELF_TEST = "self-test"
    CONNECTION_REFUSED = "connection-refused"
    TUNNEL_UNREAD = "tunnel-unread"
    """TLS to a host of the bypass list went through the proxy unread: a blind spot, with its bytes."""
    ALERT_OPENED = "alert-opened"
    ALERT_GROWN = "alert-grown"
    ALERT_TAKEN = "alert-taken"
    """A reviewer has it in hand."""
    ALERT_CLOSED = "alert-closed"
    ALERT_NOTIFIED = "alert-notified"
    CONSOLE_LOGIN = "console-login"
    CONSOLE_LOGOUT = "console-logout"
    RECORD_VIEWED = "record-viewed"
    FILE_SEEN = "file-seen"
    """An agent saw a file at a watched place; what it may hold is confirmed by the server (`ACCESS` with the action `file_copy`)."""
    AGENT_TOKEN_ISSUED = "agent-token-issued"  # noqa: S105 -- a name, no secret
    AGENT_ENROLLED = "agent-enrolled"
    AGENT_REMOVED = "agent-removed"
    AGENT_REFUSED = "agent-refused"
    """Somebody delivered what is not theirs: forged, repeated, out of order, or in another's name (attacks X22)."""
    AGENT_STARTED = "agent-started"
    AGENT_STOPPED = "agent-stopped"
    AGENT_LOSS = "agent-loss"
    """The agent could not see or keep everything (a queue overflow, a full disk); the numbers say how much."""
    QUARANTINE_ORDERED = "quarantine-ordered"
    """A rule says that a file on somebody's machine is put aside: the agent is ordered to (decision 0011)."""
    RELEASE_ORDERED = "release-ordered"
    """A reviewer lets a file be put back."""
    FILE_QUARANTINED = "file-quarantined"
    """What an agent made of the order to put a file aside; the words say why it was left."""
    FILE_RELEASED = "file-released"
    """What an agent made of the order to put a file back."""
    ORDER_REFUSED = "order-refused"
    """An agent was given an order that it must not obey: forged, repeated, expired, another machine's (attacks X29)."""
    INDEX_BUILT = "index-built"
    OUTSIDE_PLACE = "outside-place"
    """A place outside takes no statements about the record any more, or does so again."""
    CHECKPOINT_KEY_CHANGED = "checkpoint-key-changed"
    """Statements about the record are signed with another key from now on."""
    EVENTS_REMOVED = "events-removed"
    """The time of a class of events is over: the content of exactly these is taken out of the record, and their hashes stay."""
    STORE_ALARM = "store-alarm"
    """The record itself is not as it must be: cut, edited, replayed or unreadable."""
    AUTHORITY_ALARM = "authority-alarm"
    """A row that gives authority was written or changed by nobody of us, or the database is an older one (attacks X12, X15)."""


class Phase(StrEnum):
    """Where an act stands: `torwart.act.phase`."""

    ALLOWED = "allowed"
    DENIED = "denied"
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    NOT_CONFIRMED = "not_confirmed"
    OBSERVED = "observed"
    """It has happened where nothing decides: on an employee's machine."""
    PUT_ASIDE = "put_aside"
    """The agent has put the file of the act aside, as the rules say."""
    PUT_BACK = "put_back"
    """A reviewer has released the file, and the agent has put it back."""


OUTCOMES: Mapping[Phase, str] = {
    Phase.ALLOWED: "success",
    Phase.DENIED: "failure",
    Phase.HELD: "unknown",
    Phase.CONFIRMED: "success",
    Phase.RELEASED: "success",
    Phase.NOT_CONFIRMED: "failure",
    Phase.OBSERVED: "success",
    Phase.PUT_ASIDE: "failure",
    Phase.PUT_BACK: "success",
}
"""`event.outcome` of an act."""
SEEN = frozenset({Phase.OBSERVED, Phase.PUT_ASIDE, Phase.PUT_BACK})
"""Phases of what has happened before anybody was asked."""
WENT_ON = frozenset({Phase.ALLOWED, Phase.CONFIRMED, Phase.RELEASED})
"""Phases whose `event.type` is `allowed`."""
EFFECTS: Mapping[Action, str] = {
    Action.CREATE: "creation",
    Action.COPY: "creation",
    Action.UPDATE: "change",
    Action.REASSIGN: "change",
    Action.DELETE: "deletion",
    Action.FILE_COPY: "creation",
}
"""What an act does to the record, where it is more than reading it: `event.type`."""
_IAM_CHANGE = ("event", ("iam",), ("user", "change"))
_SIGN_IN = ("event", ("authentication", "session"), ("start",))
_STEP = ("event", ("authentication",), ("info",))
_ALERT = ("alert", ("intrusion_detection",), ("info",))
CATEGORIES: Mapping[EventAction, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    EventAction.ACCESS: ("event", ("api",), ("access",)),
    EventAction.REFUSED: ("event", ("api",), ("access", "denied")),
    EventAction.LOGIN: _SIGN_IN,
    EventAction.LOGIN_FAILED: _SIGN_IN,
    EventAction.LOGOUT: ("event", ("authentication", "session"), ("end",)),
    EventAction.CONSOLE_LOGIN: _SIGN_IN,
    EventAction.CONSOLE_LOGOUT: ("event", ("authentication", "session"), ("end",)),
    EventAction.SESSION_CUT: ("event", ("session",), ("end",)),
    EventAction.CUT_TRIED: ("event", ("session",), ("info",)),
    EventAction.KEY_ENROLLED: _IAM_CHANGE,
    EventAction.KEY_REFUSED: _STEP,
    EventAction.KEY_LOCKED: _IAM_CHANGE,
    EventAction.KEY_REMOVED: _IAM_CHANGE,
    EventAction.KEY_METADATA_LOADED: _IAM_CHANGE,
    EventAction.TOTP_ENROLLED: _IAM_CHANGE,
    EventAction.TOTP_REMOVED: _IAM_CHANGE,
    EventAction.TOTP_LOCKED: ("alert", ("intrusion_detection",), ("denied",)),
    EventAction.CODE_REFUSED: _STEP,
    EventAction.SECOND_ROAD_OPENED: _STEP,
    EventAction.RECOVERY_CODES_ISSUED: _IAM_CHANGE,
    EventAction.RECOVERY_OPENED: _IAM_CHANGE,
    EventAction.RECOVERY_ENDED: _IAM_CHANGE,
    EventAction.BREAK_GLASS_SEALED: _IAM_CHANGE,
    EventAction.BREAK_GLASS_USED: ("alert", ("intrusion_detection",), ("allowed",)),
    EventAction.BREAK_GLASS_ENDED: _IAM_CHANGE,
    EventAction.RECOVERY_NOTIFIED: _ALERT,
    EventAction.TOKEN_ISSUED: _IAM_CHANGE,
    EventAction.ENROLMENT_WITNESSED: _IAM_CHANGE,
    EventAction.STEP_UP_CONFIRMED: _STEP,
    EventAction.STEP_UP_REFUSED: _STEP,
    EventAction.STEP_UP_ENDED: _STEP,
    EventAction.APPROVAL_ASKED: _STEP,
    EventAction.APPROVAL_NOTICED: _STEP,
    EventAction.APPROVAL_GIVEN: _STEP,
    EventAction.APPROVAL_TURNED_DOWN: _STEP,
    EventAction.APPROVAL_REFUSED: _STEP,
    EventAction.APPROVAL_TAKEN: _STEP,
    EventAction.NAME_REVEALED: ("event", ("iam", "database"), ("user", "access")),
    EventAction.APPROVAL_ENDED: _STEP,
    EventAction.APPROVAL_DOUBTED: ("alert", ("intrusion_detection",), ("denied",)),
    EventAction.PERSON_CREATED: ("event", ("iam",), ("user", "creation")),
    EventAction.PERSON_CHANGED: _IAM_CHANGE,
    EventAction.ROLES_CHANGED: _IAM_CHANGE,
    EventAction.PEOPLE_IMPORTED: ("event", ("iam",), ("admin", "change")),
    EventAction.STATUS_CHANGED: _IAM_CHANGE,
    EventAction.STATUS_PLANNED: _IAM_CHANGE,
    EventAction.STATUS_PLAN_ENDED: _IAM_CHANGE,
    EventAction.LEAVE_CHANGED: _IAM_CHANGE,
    EventAction.LEVEL_CHANGED: _IAM_CHANGE,
    EventAction.PERSON_ERASED: ("event", ("iam",), ("user", "deletion")),
    EventAction.PERSON_DISCLOSED: ("event", ("iam", "database"), ("user", "access")),
    EventAction.PERSON_FROZEN: _IAM_CHANGE,
    EventAction.PERSON_UNFROZEN: _IAM_CHANGE,
    EventAction.ACCOUNT_BOUND: _IAM_CHANGE,
    EventAction.ACCOUNT_UNBOUND: _IAM_CHANGE,
    EventAction.ASSIGNMENTS_IMPORTED: ("event", ("iam",), ("admin", "change")),
    EventAction.POLICY_ACTIVATED: ("event", ("configuration",), ("change",)),
    EventAction.POLICY_REFUSED: ("event", ("configuration",), ("info",)),
    EventAction.GATEWAY_STARTED: ("event", ("process",), ("start",)),
    EventAction.GATEWAY_STOPPED: ("event", ("process",), ("end",)),
    EventAction.SELF_TEST: ("state", ("process",), ("info",)),
    EventAction.TUNNEL_UNREAD: ("event", ("network",), ("connection", "end")),
    EventAction.CONNECTION_REFUSED: ("event", ("network",), ("connection", "denied")),
    EventAction.ALERT_OPENED: _ALERT,
    EventAction.ALERT_GROWN: _ALERT,
    EventAction.ALERT_TAKEN: _ALERT,
    EventAction.ALERT_CLOSED: _ALERT,
    EventAction.ALERT_NOTIFIED: _ALERT,
    EventAction.RECORD_VIEWED: ("event", ("database",), ("access",)),
    EventAction.FILE_SEEN: ("event", ("file",), ("creation",)),
    EventAction.AGENT_TOKEN_ISSUED: ("event", ("iam",), ("admin", "creation")),
    EventAction.AGENT_ENROLLED: ("event", ("host", "iam"), ("creation",)),
    EventAction.AGENT_REMOVED: ("event", ("iam",), ("admin", "deletion")),
    EventAction.AGENT_REFUSED: ("alert", ("intrusion_detection",), ("denied",)),
    EventAction.AGENT_STARTED: ("event", ("process",), ("start",)),
    EventAction.AGENT_STOPPED: ("event", ("process",), ("end",)),
    EventAction.AGENT_LOSS: ("state", ("process",), ("error",)),
    EventAction.QUARANTINE_ORDERED: ("event", ("file",), ("info",)),
    EventAction.RELEASE_ORDERED: ("event", ("file",), ("info",)),
    EventAction.FILE_QUARANTINED: ("event", ("file",), ("change",)),
    EventAction.FILE_RELEASED: ("event", ("file",), ("change",)),
    EventAction.ORDER_REFUSED: ("alert", ("intrusion_detection",), ("denied",)),
    EventAction.INDEX_BUILT: ("event", ("configuration",), ("change",)),
    EventAction.OUTSIDE_PLACE: ("alert", ("database",), ("error",)),
    EventAction.CHECKPOINT_KEY_CHANGED: ("event", ("configuration",), ("change",)),
    EventAction.EVENTS_REMOVED: ("event", ("database",), ("deletion",)),
    EventAction.STORE_ALARM: ("alert", ("database",), ("error",)),
    EventAction.AUTHORITY_ALARM: ("alert", ("database",), ("error",)),
}
"""Action -> `event.kind`, `event.category`, `event.type`, in the pairs that ECS expects."""
