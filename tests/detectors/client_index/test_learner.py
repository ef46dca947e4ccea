"""Learning clients as they pass."""

import subprocess
import sys
from pathlib import Path

from detectors.client_index.identifier import Identifier
from detectors.client_index.learner import Learner
from detectors.client_index.matcher import load_matcher
from detectors.knowledge import Matches
from tests.detectors.client_index.clients import HOME, build, clients, email, find, index_of, name, phone

WAIT_SECONDS = 30.0


def learn(state: Path, *identifiers: Identifier) -> None:
    learner = Learner(state, HOME)
    learner.note(identifiers)
    assert learner.settled(WAIT_SECONDS)
    learner.close()
    assert learner.faults == 0


def journal(state: Path) -> Path:
    (found,) = (state / "index").glob("live-*.jsonl")
    return found


def test_a_new_client_is_known_to_a_worker_that_runs_already(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    image = index.image()
    matcher = load_matcher(image)
    learn(tmp_path, phone("8", "030 1234567"), email("8", "new@firm.example"))
    news = index.news(image.mark)
    assert news is not None
    matcher.add(news[1])
    found = Matches()
    matcher.find("+49 30 1234567", found)
    assert set(found.clients) == {"8"}
    assert index.news(news[0]) == (news[0], b"")


def test_a_new_worker_knows_what_was_learned_before(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learn(tmp_path, email("8", "new@firm.example"))
    assert clients(index, "NEW@firm.example") == {"8": {"email"}}


def test_another_process_learns_for_this_one(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    mark = index.image().mark
    words = (
        "import sys; from pathlib import Path; from detectors.client_index.learner import Learner\n"
        "from detectors.client_index.identifier import Identifier, Kind\n"
        "learner = Learner(Path(sys.argv[1]), ('DE',))\n"
        "learner.note([Identifier('8', Kind.PHONE, '030 1234567')])\n"
        "learner.close()\n"
    )
    subprocess.run([sys.executable, "-c", words, str(tmp_path)], check=True, timeout=60)
    news = index.news(mark)
    assert news is not None
    assert news[1]
    assert clients(index, "030/1234567") == {"8": {"phone"}}


def test_what_a_killed_process_had_appended_is_not_lost(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    words = (
        "import itertools, sys; from pathlib import Path; from detectors.client_index.learner import Learner\n"
        "from detectors.client_index.identifier import Identifier, Kind\n"
        "learner = Learner(Path(sys.argv[1]), ('DE',))\n"
        "for count in itertools.count():\n"
        "    learner.note([Identifier(f'{sys.argv[2]}-{count}', Kind.PHONE, f'0160 {sys.argv[2]}{count:05d}')])\n"
        "    print(count if learner.settled(30) else 'late', flush=True)\n"
    )
    command = [sys.executable, "-c", words, str(tmp_path)]
    running = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in (11, 12)]
    appended: list[str] = []
    for number, process in zip((11, 12), running, strict=True):
        assert process.stdout is not None
        appended += [f"{number}-{process.stdout.readline().strip()}" for _ in range(50)]
    for process in running:
        process.kill()
        process.communicate()
    found = find(index, *(f"0160 {one.replace('-', '')[:2]}{int(one[3:]):05d}" for one in appended))
    assert set(appended) <= set(found.clients)
    learn(tmp_path, phone("8", "030 1234567"))
    assert clients(index, "030 1234567") == {"8": {"phone"}}


def test_nothing_is_lost_while_the_index_is_built_anew(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learner = Learner(tmp_path, HOME)
    for count in range(200):
        learner.note([phone(f"new {count}", f"0160 11{count:05d}")])
        if count % 40 == 0:
            build(tmp_path, phone("7", "0151 2345678"), keep_learned=True)
    learner.close()
    assert learner.faults == 0
    assert len(find(index, *(f"0160 11{count:05d}" for count in range(200))).clients) == 200


def test_what_is_known_is_not_written_again(tmp_path: Path) -> None:
    index_of(tmp_path, phone("7", "0151 2345678"))
    learn(tmp_path, phone("7", "+49 151 2345678"))
    assert not list((tmp_path / "index").glob("live-*"))
    learn(tmp_path, phone("8", "030 1234567"))
    size = journal(tmp_path).stat().st_size
    learn(tmp_path, phone("8", "030 1234567"), phone("8", "(030) 1234567"))
    assert journal(tmp_path).stat().st_size == size


def test_a_name_alone_is_not_kept_but_one_beside_a_value_is(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learn(tmp_path, name("9", "Anna Beispiel"))
    assert not list((tmp_path / "index").glob("live-*"))
    learn(tmp_path, name("8", "Erika Muster"), phone("8", "030 1234567"))
    assert clients(index, "Muster, Erika: 030 1234567") == {"8": {"phone", "name"}}


def test_a_record_is_fresh_once(tmp_path: Path) -> None:
    learner = Learner(tmp_path, HOME)
    assert [learner.fresh([5, 7]), learner.fresh([7, 5]), learner.fresh([5, 6])] == [{5, 7}, set(), {6}]
    learner.close()


def test_a_line_that_was_torn_by_a_kill_spoils_nothing_else(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learn(tmp_path, phone("8", "030 1234567"))
    whole = journal(tmp_path).read_bytes()
    for cut in (1, 10, len(whole) // 2, len(whole) - 2, len(whole) - 1):
        with journal(tmp_path).open("ab") as file:
            file.write(whole[:cut])
        assert clients(index, "030 1234567") == {"8": {"phone"}}
        learn(tmp_path, phone(f"after {cut}", f"089 55500{cut:02d}"))
        assert clients(index, f"089 55500{cut:02d}") == {f"after {cut}": {"phone"}}


def test_a_build_takes_over_what_was_learned_since_the_last_one(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    mark = index.image().mark
    learn(tmp_path, phone("8", "030 1234567"))
    built = build(tmp_path, phone("7", "0151 2345678"))
    assert built.merged == 1
    assert index.news(mark) is None
    assert clients(index, "030 1234567, 0151 2345678") == {"7": {"phone"}, "8": {"phone"}}
    assert not list((tmp_path / "index").glob("live-*"))


def test_a_build_from_a_table_keeps_what_was_learned_until_a_table_has_it(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learn(tmp_path, phone("8", "030 1234567"))
    for _ in range(3):
        build(tmp_path, phone("7", "0151 2345678"), keep_learned=True)
        assert clients(index, "030 1234567") == {"8": {"phone"}}
    build(tmp_path, phone("8", "030 1234567"), keep_learned=True)
    assert not list((tmp_path / "index").glob("live-*"))
    assert clients(index, "030 1234567") == {"8": {"phone"}}


def test_what_was_learned_before_the_first_build_is_in_it(tmp_path: Path) -> None:
    learn(tmp_path, phone("8", "030 1234567"))
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    assert clients(index, "030 1234567") == {"8": {"phone"}}


def test_a_learner_goes_on_after_a_new_build(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), phone("9", "040 7654321"))
    learner = Learner(tmp_path, HOME)
    learner.note([phone("9", "040 7654321"), phone("8", "030 1234567")])
    assert learner.settled(WAIT_SECONDS)
    build(tmp_path, phone("7", "0151 2345678"))  # a list without client 9
    learner.note([phone("10", "069 1112223")])
    assert learner.settled(WAIT_SECONDS)
    learner.note([phone("9", "040 7654321")])
    learner.close()
    assert set(clients(index, "069 1112223; 030 1234567; 040 7654321")) == {"8", "9", "10"}


def test_a_fault_is_counted_and_made_good_later(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    base = tmp_path / "index" / "clients.idx"
    whole = base.read_bytes()
    base.write_bytes(whole[:-1])
    learner = Learner(tmp_path, HOME)
    learner.note([phone("8", "030 1234567")])
    assert not learner.settled(0.5)
    assert (learner.faults > 0, learner.last_fault) == (True, "KnowledgeError")
    draft = tmp_path / "index" / "draft"
    draft.write_bytes(whole)
    draft.replace(base)
    assert learner.settled(WAIT_SECONDS)
    learner.close()
    assert set(clients(index, "030 1234567")) == {"8"}


def test_noting_nonsense_raises_nothing(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    learner = Learner(tmp_path, HOME)
    nonsense = phone("8", "\ud800"), email("8", "@"), phone("\ud800", "030 1234567"), phone("9", "9" * 100_000)
    learner.note([*nonsense, phone("10", "069 1112223")])
    learner.note(None)  # type: ignore[arg-type]
    learner.close()
    assert (learner.faults > 1, learner.last_fault) == (True, "TypeError")
    assert set(clients(index, "069 1112223")) == {"10"}


def test_files_are_for_us_alone_and_hold_no_value(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), email("7", "info@mueller.example"))
    learn(tmp_path, phone("client-8", "030 1234567"), email("client-8", "new@firm.example"))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        data = path.read_bytes().lower()
        for value in (b"2345678", b"1234567", b"mueller", b"new@", b"firm.example", (2345678).to_bytes(4, "little")):
            assert value not in data, path
    assert {folder.stat().st_mode & 0o777 for folder in (tmp_path / "index", tmp_path / "keys")} == {0o700}
    assert set(find(index, "info@mueller.example", "new@firm.example").clients) == {"7", "client-8"}
