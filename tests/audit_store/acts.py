"""Acts to record, for the tests of this package."""

from datetime import UTC, datetime

from audit_store.event import Event, EventAction, Phase, access_event, plain_event
from policies.decision import Allow, Decision
from policies.reasons import ALLOWED, Because
from policies.request import AccessRequest, Action, Context, Principal, Resource, Status

NOW = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)


def request(
    *, action: Action = Action.LIST, ids: tuple[str, ...] | None = ("1", "2"), at: datetime = NOW, pseudonym: str = "P-00000001"
) -> AccessRequest:
    return AccessRequest(
        act_id="act-1",
        principal=Principal("person-1", pseudonym, frozenset({"manager"}), Status.ACTIVE),
        action=action,
        resource=Resource("client", "party.party", ids, fields=frozenset({"name", "phone"})),
        context=Context(at),
    )


def access(
    ids: tuple[str, ...] = ("1", "2"),
    *,
    action: Action = Action.LIST,
    phase: Phase = Phase.ALLOWED,
    at: datetime = NOW,
    pseudonym: str = "P-00000001",
    shown: frozenset[str] | None = None,
    taken: frozenset[str] = frozenset(),
    decision: Decision | None = None,
) -> Event:
    """An act of a person; by default all that was asked for was shown."""
    return access_event(
        request=request(action=action, ids=ids, at=at, pseudonym=pseudonym),
        decision=decision or Allow((Because(ALLOWED),), rules=("v1:own",)),
        phase=phase,
        shown=frozenset(ids) if shown is None else shown,
        taken=taken,
        rows=len(ids),
        fields=("name", "phone"),
        route="rpc model.party.party.read",
    )


def plain(number: int = 0, *, at: datetime = NOW) -> Event:
    """A small event that is about nobody."""
    return plain_event(EventAction.SELF_TEST, at=at, numbers={"number": number})
