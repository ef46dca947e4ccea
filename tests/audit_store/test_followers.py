"""What other processes record counts here before the next act is judged."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_store import followers as module
from audit_store.event import Event, Phase
from audit_store.followers import BATCH, Followers
from audit_store.history import History
from audit_store.log import Log
from audit_store.spool import FILE, MARKER, Spool, SpoolError
from audit_store.spool_trim import trim
from policies.request import Action, Counts
from tests.audit_store.acts import NOW, access, plain

ANNA = "P-00000001"
NONE: frozenset[str] = frozenset()


def counts(history: History) -> Counts:
    return history.usage(ANNA, NOW + timedelta(minutes=5), own=NONE, base=3000, book=0).before


def follow(folder: Path, own: str = "gateway", log: Log | None = None) -> tuple[Followers, History]:
    """A process that starts now."""
    followers, history = Followers(folder, own), History()
    history.rebuild(log, *followers.sources, now=NOW)
    followers.begin(history)
    return followers, history


@pytest.fixture
def no_whole_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the markers says that something moved."""
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 3600.0)


async def test_what_another_process_lets_out_counts_before_the_next_act(tmp_path: Path, no_whole_looks: None) -> None:
    own, other = Spool.open(tmp_path / "gateway", "gateway"), Spool.open(tmp_path / "proxy", "proxy")
    other.append(access(("1", "2")))
    followers, history = follow(tmp_path)
    assert counts(history).shown_day == 2
    await followers.take_over()
    for number in range(3, 9):
        assert not await followers.take_over()
        other.append(access((str(number),)))
        assert await followers.take_over()
        assert counts(history).shown_day == number
    own.close()


async def test_a_second_process_with_the_same_record_counts_too(tmp_path: Path, no_whole_looks: None) -> None:
    here, there = Spool.open(tmp_path / "gateway", "gateway"), Spool.open(tmp_path / "gateway", "gateway")
    followers, history = follow(tmp_path)
    await followers.take_over()
    for number in range(40):
        ours = access((f"a{number}",))
        history.note(ANNA, NOW, shown=frozenset({f"a{number}"}), event_id=ours.id)
        there.append(access((f"b{number}",)))
        followers.wrote(await here.append_soon(ours))
        await followers.take_over()
        assert counts(history).shown_day == 2 * (number + 1)


async def test_own_events_are_not_read_again(tmp_path: Path, no_whole_looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Spool.open(tmp_path / "gateway", "gateway")
    followers, history = follow(tmp_path)
    await followers.take_over()
    taken: list[bytes] = []
    monkeypatch.setattr(history, "take", lambda row: taken.append(row.canonical))
    for _ in range(5):
        followers.wrote(await own.append_soon(access(("1",))))
        assert not await followers.take_over()
    assert taken == []
    own.append(plain())  # another part of this process wrote
    assert await followers.take_over()
    assert len(taken) == 1


async def test_an_upload_through_the_forward_proxy_counts_at_the_gateway(tmp_path: Path) -> None:
    Spool.open(tmp_path / "gateway", "gateway")
    followers, history = follow(tmp_path)
    proxy = Spool.open(tmp_path / "proxy", "proxy")  # it is started later
    proxy.append(access(("1", "2", "3"), action=Action.UPLOAD, phase=Phase.ALLOWED, shown=NONE))
    await followers.take_over()
    assert counts(history).sent_day == 3


async def test_much_that_waits_is_taken_in_pieces_and_others_run_meanwhile(tmp_path: Path, no_whole_looks: None) -> None:
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    followers, history = follow(tmp_path)
    await followers.take_over()
    await asyncio.gather(*(other.append_soon(access((str(number),))) for number in range(3 * BATCH)))
    seen: list[int] = []

    async def beside() -> None:
        while not seen or seen[-1] < 3 * BATCH:
            seen.append(counts(history).shown_day)
            await asyncio.sleep(0)

    watching = asyncio.create_task(beside())
    both = await asyncio.gather(followers.take_over(), followers.take_over())
    assert True in both
    assert counts(history).shown_day == 3 * BATCH
    await watching
    assert any(0 < count < 3 * BATCH for count in seen)


async def test_of_two_that_look_at_once_both_judge_again(tmp_path: Path, no_whole_looks: None) -> None:
    """The one that waits has not taken the rows itself, and its judgement is older than they are."""
    other = Spool.open(tmp_path / "proxy", "proxy")
    followers, _ = follow(tmp_path)
    await followers.take_over()
    for number in range(BATCH + 50):
        other.append(access((str(number),)))
    assert await asyncio.gather(followers.take_over(), followers.take_over()) == [True, True]


async def test_a_marker_that_was_not_written_is_made_good_by_the_whole_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.0)
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    followers, history = follow(tmp_path)
    monkeypatch.setattr(other._marker, "write", lambda head: None)
    other.append(access(("1",)))
    await followers.take_over()
    assert counts(history).shown_day == 1


async def test_what_cannot_be_read_denies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.0)
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    other.append(access(("1",)))
    followers, _ = follow(tmp_path)
    other.close()
    (tmp_path / "proxy" / FILE).rename(tmp_path / "away")
    with pytest.raises(SpoolError):
        await followers.take_over()
    (tmp_path / "away").rename(tmp_path / "proxy" / FILE)
    await followers.take_over()
    (tmp_path / "junk").write_bytes(b"no database at all" * 400)
    (tmp_path / "junk").replace(tmp_path / "proxy" / FILE)
    with pytest.raises(SpoolError):
        await followers.take_over()


async def test_events_that_are_gone_deny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.0)
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    for number in range(4):
        other.append(access((str(number),)))
    followers, _ = follow(tmp_path)
    await followers.take_over()
    assert other._connection is not None
    other._connection.execute("DELETE FROM event WHERE sequence = 4")
    with pytest.raises(SpoolError, match="lost events"):
        await followers.take_over()


async def test_a_row_that_is_missing_in_the_middle_denies(tmp_path: Path) -> None:
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    other.append(access(("0",)))
    followers, _ = follow(tmp_path)
    await followers.take_over()
    for number in (1, 2):
        other.append(access((str(number),)))
    assert other._connection is not None
    other._connection.execute("DELETE FROM event WHERE sequence = 2")
    with pytest.raises(SpoolError, match="has no event 2"):
        await followers.take_over()


async def test_a_new_epoch_is_followed(tmp_path: Path) -> None:
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    other.append(access(("1",)))
    followers, history = follow(tmp_path)
    other.begin_epoch("of the test")
    other.append(access(("2",)))
    await followers.take_over()
    assert counts(history).shown_day == 2


async def test_a_spool_that_is_trimmed_meanwhile_is_followed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.0)
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    for number in range(6):
        other.append(access((str(number),)))
    followers, history = follow(tmp_path)
    await followers.take_over()
    assert trim(tmp_path / "proxy" / FILE, "proxy", taken=6, before=NOW + timedelta(days=1)) == 5
    await followers.take_over()
    other.append(access(("6",)))
    await followers.take_over()
    assert counts(history).shown_day == 7
    again, second = follow(tmp_path)  # without a log it has only what is left
    await again.take_over()
    assert counts(second).shown_day == 2


async def test_copies_of_agents_records_and_spools_under_way_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.0)
    Spool.open(tmp_path / "gateway", "gateway")
    agent = Spool.open(tmp_path / "agent-1", "agent-1")
    (tmp_path / "new").mkdir(mode=0o700)
    (tmp_path / "new" / MARKER).touch()
    (tmp_path / "new" / FILE).touch()  # another process is making it
    followers, history = follow(tmp_path)
    assert [source.producer for source in followers.sources] == ["gateway"]
    agent.append(access(("1",)))
    (tmp_path / "new" / FILE).unlink()
    Spool.open(tmp_path / "new", "new").append(access(("2", "3")))
    await followers.take_over()
    assert counts(history).shown_day == 2


async def test_a_start_counts_what_the_log_has_and_what_all_spools_have_beyond_it(tmp_path: Path) -> None:
    spools = [Spool.open(tmp_path / "spool" / name, name) for name in ("gateway", "proxy")]
    log = Log.open(tmp_path / "log")
    for number, spool in enumerate(spools):
        spool.append(access((f"a{number}",)))
        log.take(spool)
        spool.append(access((f"b{number}",)))
    followers, history = follow(tmp_path / "spool", log=log)
    await followers.take_over()
    assert counts(history).shown_day == 4
    again, second = follow(tmp_path / "spool", log=log)
    assert counts(second) == counts(history)
    for one in (followers, again):
        one.close()
    log.close()


ACTS = st.lists(
    st.tuples(st.sampled_from(["gateway", "proxy"]), st.frozensets(st.integers(0, 12).map(str), min_size=1, max_size=4)), max_size=12
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(ACTS)
def test_any_mixture_of_own_and_foreign_acts_counts_as_in_one_process(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, frozenset[str]]]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    folder.chmod(0o700)

    async def run() -> None:
        spools = {name: Spool.open(folder / name, name) for name in ("gateway", "proxy")}
        followers, history = follow(folder)
        alone = History()
        for who, clients in acts:
            event: Event = access(tuple(clients))
            alone.apply(event.document)
            if who == "gateway":
                history.note(ANNA, NOW, shown=clients, event_id=event.id)
                followers.wrote(await spools[who].append_soon(event))
            else:
                spools[who].append(event)
            await followers.take_over()
            assert counts(history) == counts(alone)
        for spool in spools.values():
            spool.close()
        followers.close()

    asyncio.run(run())


async def test_keeping_up_goes_on_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WHOLE_LOOK_SECONDS", 0.001)
    Spool.open(tmp_path / "gateway", "gateway")
    other = Spool.open(tmp_path / "proxy", "proxy")
    followers, history = follow(tmp_path)
    (tmp_path / "proxy" / MARKER).rename(tmp_path / "away")
    task = asyncio.create_task(followers.keep_up())
    await asyncio.sleep(0.05)
    other.append(access(("1",)))
    (tmp_path / "away").replace(tmp_path / "proxy" / MARKER)
    async with asyncio.timeout(30):
        while counts(history).shown_day == 0:  # noqa: ASYNC110 -- what is waited for is a row of another process
            await asyncio.sleep(0.01)
    task.cancel()
