"""Recorded acts as questions: each act once, with what the rules saw, and a count of what cannot be asked again."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_store.event import Event, EventAction, Phase, access_event, plain_event, refused_event
from audit_store.log import Log, Logged
from audit_store.replay import Recorded, deciding, recorded, recorded_act
from audit_store.request_record import NEVER_RECORDED, OF_THE_DIRECTORY, Seat
from audit_store.spool import Spool
from policies.decision import Allow, Challenge, Decision, Deny
from policies.needs import Key
from policies.reasons import ALLOWED, EXPORT_NEEDS_KEY, NOT_CONFIRMED, NOT_FOR_YOU, UNREADABLE, Because
from policies.request import AccessRequest, Action, KeyClass, KeyProof
from tests.audit_store.acts import NOW, request

HELD: Decision = Challenge((Because(EXPORT_NEEDS_KEY),), Key(), 2, 2, rules=("3:export",), observed=("3:try-out",))
GONE: Decision = Allow((Because(ALLOWED),), rules=("3:own",))
STOPPED: Decision = Deny((Because(NOT_FOR_YOU),), ("3:never",), observed=("3:try-out",))

type Record = Callable[..., Log]


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    spool = Spool.open(tmp_path / "spool", "gateway")
    log = Log.open(tmp_path / "log")

    def kept(*events: Event) -> Log:
        for event in events:
            spool.append(event)
        log.take(spool)
        return log

    yield kept
    log.close()
    spool.close()


def event(act: str, phase: Phase, decision: Decision = GONE, *, asked: AccessRequest | None = None, minutes: int = 0) -> Event:
    asked = asked or request()
    at = NOW + timedelta(minutes=minutes)
    asked = replace(asked, act_id=act, context=replace(asked.context, at=at))
    nobody: frozenset[str] = frozenset()
    return access_event(request=asked, decision=decision, phase=phase, shown=nobody, taken=nobody, rows=0, fields=(), route="x")


def found(log: Log, passed_over: Counter[str] | None = None) -> list[Recorded]:
    return list(recorded(log, NOW - timedelta(days=1), NOW + timedelta(days=1), passed_over=passed_over))


def test_an_act_counts_once_with_its_last_answer(record: Record) -> None:
    proof = KeyProof("a", "b", NOW, True, frozenset({"1", "2"}), frozenset({"name", "phone"}), key_class=KeyClass.HARDWARE)
    log = record(
        event("export", Phase.HELD, HELD),
        event("list", Phase.RELEASED),
        event("export", Phase.NOT_CONFIRMED, HELD, minutes=1),
        event("export", Phase.RELEASED, asked=replace(request(), proof=proof), minutes=2),
        event("never", Phase.DENIED, STOPPED),
        event("open", Phase.HELD, HELD),
        event("late", Phase.HELD, HELD),
        event("late", Phase.NOT_CONFIRMED, replace(HELD, reasons=(Because(NOT_CONFIRMED),)), minutes=3),
    )
    acts = found(log)
    assert [(act.act_id, act.phase) for act in acts] == [
        ("list", Phase.RELEASED),
        ("export", Phase.RELEASED),
        ("never", Phase.DENIED),
        ("open", Phase.HELD),
        ("late", Phase.NOT_CONFIRMED),
    ]
    assert acts[1].request.proof is not None
    assert (acts[2].reasons, acts[2].rules, acts[2].version, acts[2].observed) == (("not_for_you",), ("3:never",), "3", ("3:try-out",))


def test_of_a_change_it_is_the_change_and_not_the_reading_of_its_answer(record: Record) -> None:
    change, answer = request(action=Action.UPDATE), request(action=Action.READ, ids=("1",))
    log = record(
        event("change", Phase.HELD, HELD, asked=change),
        event("change", Phase.ALLOWED, asked=change, minutes=1),
        event("change", Phase.RELEASED, asked=answer, minutes=1),
        event("lost", Phase.ALLOWED, asked=change),
        event("lost", Phase.DENIED, STOPPED, asked=change, minutes=1),
        event("upload", Phase.ALLOWED, asked=request(action=Action.UPLOAD)),
    )
    assert [(act.act_id, act.request.action, act.phase) for act in found(log)] == [
        ("change", Action.UPDATE, Phase.ALLOWED),
        ("lost", Action.UPDATE, Phase.ALLOWED),
        ("upload", Action.UPLOAD, Phase.ALLOWED),
    ]


def test_only_acts_within_the_time_and_nothing_that_is_no_act(record: Record) -> None:
    log = record(
        event("before", Phase.RELEASED, minutes=-1),
        event("first", Phase.RELEASED),
        refused_event(at=NOW, reason=Because(UNREADABLE, {"what": "x"}), route="/", act_id="refused"),
        plain_event(EventAction.ALERT_OPENED, at=NOW, act_id="alert"),
        event("last", Phase.RELEASED, minutes=59),
        event("after", Phase.RELEASED, minutes=60),
    )
    assert [act.act_id for act in recorded(log, NOW, NOW + timedelta(hours=1))] == ["first", "last"]


def test_what_cannot_be_asked_again_is_counted_by_its_cause(record: Record) -> None:
    old = event("old", Phase.RELEASED)
    old.document["torwart"]["schema"] = 1
    spoilt = event("spoilt", Phase.RELEASED)
    spoilt.document["torwart"]["channel"] = "of tomorrow"
    log = record(old, spoilt, event("file", Phase.OBSERVED), event("good", Phase.RELEASED))
    causes: Counter[str] = Counter()
    assert [act.act_id for act in found(log, causes)] == ["good"]
    assert causes == {"older_release": 1, "unreadable": 1, "nobody_asked": 1}


def test_it_says_which_names_the_record_does_not_hold(record: Record) -> None:
    early = event("early", Phase.RELEASED)
    early.document["torwart"]["usage"] = dict(early.document["torwart"]["usage"])
    del early.document["torwart"]["usage"]["sent_month"]
    log = record(early)
    (stranger,) = found(log)
    assert stranger.missing == NEVER_RECORDED | OF_THE_DIRECTORY | {"usage.before.sent_month", "usage.after.sent_month"}
    (row,) = log.tail(1)
    known = recorded_act(row, {"P-00000001": Seat("north", None, "en")})
    assert known.missing == stranger.missing - OF_THE_DIRECTORY
    assert known.request.principal.team == "north"


def test_it_goes_on_over_many_batches_in_the_order_of_the_log(record: Record) -> None:
    log = record(*(event(f"act-{number}", Phase.RELEASED) for number in range(1_234)))
    assert [act.act_id for act in found(log)] == [f"act-{number}" for number in range(1_234)]


def test_acts_are_given_one_by_one_and_not_kept(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    log = record(*(event(f"act-{number}", Phase.RELEASED) for number in range(1_100)))
    rows: list[int] = []
    acts = Log.acts

    def counted(self: Log, since: datetime) -> Iterator[Logged]:
        rows.append(0)
        for row in acts(self, since):
            rows[-1] += 1
            yield row

    monkeypatch.setattr(Log, "acts", counted)
    given = recorded(log, NOW - timedelta(days=1), NOW + timedelta(days=1))
    next(given)
    assert rows == [1_100, 1], "once through for which event stands for each act, then the acts themselves"
    assert sum(1 for _ in given) == 1_099


PHASES = st.sampled_from([Phase.HELD, Phase.NOT_CONFIRMED, Phase.RELEASED, Phase.DENIED, Phase.ALLOWED])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), PHASES), min_size=1, max_size=12))
def test_of_one_act_the_same_event_stands_for_it_as_in_the_whole_record(steps: list[tuple[str, Phase]]) -> None:
    with TemporaryDirectory() as folder:
        spool, log = Spool.open(Path(folder) / "spool", "gateway"), Log.open(Path(folder) / "log")
        for act, phase in steps:
            spool.append(event(act, phase))
        log.take(spool)
        alone = {act: deciding(log.where("act_id = ?", (act,), limit=100)) for act, _ in steps}
        assert {act.act_id: act.sequence for act in found(log)} == {act: row.sequence for act, row in alone.items() if row}
        log.close()
        spool.close()


def test_what_is_no_act_has_no_event_that_stands_for_it(record: Record) -> None:
    log = record(refused_event(at=NOW, reason=Because(UNREADABLE, {"what": "x"}), route="/", act_id="refused"))
    assert deciding(log.tail(1)) is None
