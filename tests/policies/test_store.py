"""The policy in force: checked, signed, recorded before it holds, and the last valid one when something is spoilt."""

import json
import multiprocessing
import os
import shutil
import signal
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from auth.policy_signature import PolicyKey
from policies.engine import decide
from policies.problems import PolicyErrors
from policies.request import Action
from policies.signing import Confirmation
from policies.store import SHIPPED, Change, RedCasesError, WideningError
from tests.policies import stores
from tests.policies.acts import act
from tests.policies.stores import activate_confirmed, store_in

RULES = """\
rules:
  - {id: managers-read, roles: [manager], actions: [read], resource: client, effect: allow, masks: {contact: hide}, for: others}
"""
WIDER = RULES.replace(", masks: {contact: hide}, for: others", "")
CASES = """\
cases:
  - name: a manager reads a card
    given: {roles: [manager], action: read, own: 1, others: 1}
    expect: {decision: allow}
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "policies"


@pytest.fixture
def rules(tmp_path):
    return written(tmp_path / "rules")


def written(folder, rules=RULES):
    folder.mkdir(exist_ok=True)
    (folder / "a.yaml").write_text(rules)
    (folder / "a.cases.yaml").write_text(CASES)
    return folder


def version(folder, number):
    return folder / "versions" / f"{number:04}"


def statement(folder, number):
    return json.loads((version(folder, number) / "version.json").read_bytes())["statement"]


def names(folder):
    return sorted(path.name for path in (folder / "versions").iterdir())


def test_a_new_installation_starts_with_the_shipped_rules(folder):
    changes = []
    store = store_in(folder, record=changes.append)
    store.prepare("setup")
    store.prepare("setup")
    assert store.current().version == "1"
    assert decide(act(Action.READ, own=1), store.current()).rules == ("1:manager-reads",)
    assert [(change.activated, change.version, change.by) for change in changes] == [(True, 1, "setup")]


def test_a_gateway_takes_a_new_version_at_its_next_question(folder, rules):
    gateway, admin = store_in(folder), store_in(folder)
    admin.activate(rules, "a")
    first = gateway.current()
    assert gateway.current() is first
    admin.activate(rules, "a")
    assert gateway.current().version == "2"


def test_rules_with_errors_are_refused_with_all_errors_of_rules_and_cases_and_recorded(folder, rules):
    changes = []
    store = store_in(folder, record=changes.append)
    store.activate(rules, "a")
    written(rules, RULES.replace("allow", "alow"))
    (rules / "a.cases.yaml").write_text(CASES.replace("expect", "expct"))
    with pytest.raises(PolicyErrors) as found:
        store.activate(rules, "b")
    assert {error.file for error in found.value.errors} == {"a.yaml", "a.cases.yaml"}
    assert list(found.value.errors) == sorted(found.value.errors)
    assert store.current().version == "1"
    assert (changes[1].activated, changes[1].version, changes[1].by) == (False, 1, "b")
    assert changes[1].errors == len(found.value.errors)
    assert names(folder) == ["0001"]


def test_red_cases_are_refused(folder, rules):
    changes = []
    store = store_in(folder, record=changes.append)
    (rules / "a.cases.yaml").write_text(CASES.replace("decision: allow", "decision: deny"))
    with pytest.raises(RedCasesError) as error:
        store.activate(rules, "a")
    assert error.value.red
    assert changes[0].red == len(error.value.red)
    assert store.version() == 0


def test_rules_without_cases_are_refused(folder, rules):
    (rules / "a.cases.yaml").unlink()
    with pytest.raises(PolicyErrors, match="there is no case"):
        store_in(folder).activate(rules, "a")


def test_a_folder_without_rules_and_a_file_that_is_not_there_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PolicyErrors, match="empty: no rule file here"):
        store_in(folder).activate(tmp_path / "empty", "a")
    with pytest.raises(PolicyErrors, match="nowhere: cannot be read"):
        store_in(folder).activate(tmp_path / "nowhere", "a")


def test_what_cannot_be_recorded_is_not_put_in_force(folder, rules):
    def fails(change):
        raise OSError("disk full")

    store_in(folder).activate(rules, "a")
    with pytest.raises(OSError, match="disk full"):
        store_in(folder, record=fails).activate(rules, "a")
    assert store_in(folder).current().version == "1"
    assert store_in(folder).activate(rules, "a") == 2


def test_the_statement_names_who_when_what_and_the_version_before(folder, rules):
    store = store_in(folder)
    store.activate(rules, "P-1")
    store.activate(rules, "P-2")
    first, second = store.versions.statement(1), store.versions.statement(2)
    assert (second.number, second.by, second.rules, second.cases) == (2, "P-2", 1, 1)
    assert set(second.files) == {"a.yaml", "a.cases.yaml"}
    assert first.before is None
    assert second.before is not None
    assert (second.before.number, second.before.digest) == (1, first.digest)
    assert second.content == first.content


def loosen(folder):
    path = version(folder, 2) / "a.yaml"
    path.write_text(path.read_text().replace("hide", "null"))


def add_rules(folder):
    (version(folder, 2) / "z.yaml").write_text(WIDER.replace("managers-read", "more"))


def take_cases(folder):
    (version(folder, 2) / "a.cases.yaml").unlink()


def forge(folder):
    path = version(folder, 2) / "version.json"
    path.write_text(path.read_text().replace('"by": "a"', '"by": "b"'))


def unsign(folder):
    (version(folder, 2) / "version.json").unlink()


def half_write(folder):
    path = version(folder, 2) / "version.json"
    path.write_bytes(path.read_bytes()[:200])


def renumber(folder):
    shutil.copytree(version(folder, 1), version(folder, 3))


def swap(folder):
    version(folder, 1).rename(folder / "x")
    version(folder, 2).rename(version(folder, 1))
    (folder / "x").rename(version(folder, 2))


def drop_newest(folder):
    shutil.rmtree(version(folder, 2))


def drop_all(folder):
    shutil.rmtree(folder / "versions")


def drop_before(folder):
    shutil.rmtree(version(folder, 1))


def other_key(folder):
    (folder.parent / "keys" / "policy.key").unlink()


SPOILT = {
    "rules changed in place": (loosen, "0002/a.yaml: changed after it was signed"),
    "a file more": (add_rules, "files were added or removed"),
    "a file less": (take_cases, "files were added or removed"),
    "a statement of another": (forge, "its signature is wrong"),
    "no signature": (unsign, "this version is not signed"),
    "half a signature": (half_write, "its signature cannot be read"),
    "an old version under a new number": (renumber, "this is version 1, under another number"),
    "two versions changed places": (swap, "this is version 1, under another number"),
    "the newest is gone": (drop_newest, "version 2 was in force, the newest here is 1"),
    "all are gone": (drop_all, "version 2 was in force, the newest here is none"),
    "the one before is gone": (drop_before, "versions/0001: this version is missing"),
    "another key": (other_key, "it was signed with another key"),
}


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT.keys())
def test_what_is_not_signed_and_whole_is_not_used_the_last_valid_one_stays_and_it_is_said_once(folder, rules, spoil, says):
    problems = []
    store_in(folder).activate(rules, "a")
    store_in(folder).activate(rules, "a")
    gateway = store_in(folder, problem=problems.append)
    valid = gateway.current()
    spoil(folder)
    if (folder / "versions").exists():
        os.utime(folder / "versions")
    assert gateway.current() is valid
    assert gateway.current() is valid
    restarted = store_in(folder)
    restarted.prepare("setup")
    with pytest.raises(PolicyErrors, match=says) as found:
        restarted.current()
    assert all(error.hint for error in found.value.errors)
    assert len(problems) == (0 if spoil in UNSEEN else 1)
    number = activate_confirmed(restarted, rules, "admin")
    assert number > 2
    assert restarted.current().version == str(number)
    assert gateway.current().version == (valid.version if spoil is other_key else str(number))


UNSEEN = (other_key, drop_before)
"""A running process has the key, and walks a chain once."""


def test_versions_from_before_they_were_signed_ask_for_an_activation_by_hand(folder, rules):
    shutil.copytree(rules, version(folder, 1))
    (version(folder, 1) / "by.json").write_text("{}")
    (folder / "active").write_text("1 abc\n")
    store = store_in(folder)
    store.prepare("setup")
    with pytest.raises(PolicyErrors, match=r"not signed \(.*torwart policy activate .*versions/0001"):
        store.current()
    assert activate_confirmed(store, version(folder, 1), "admin") == 2
    assert store.current().version == "2"


def test_an_old_copy_of_rules_and_keys_together_is_not_noticed_but_a_running_gateway_does_not_go_back(folder, rules, tmp_path):
    """What the files alone cannot know: the record has the higher number."""
    store_in(folder).activate(rules, "a")
    for name in ("policies", "keys"):
        shutil.copytree(tmp_path / name, tmp_path / "backup" / name)
    store_in(folder).activate(rules, "a")
    problems = []
    gateway = store_in(folder, problem=problems.append)
    valid = gateway.current()
    for name in ("policies", "keys"):
        shutil.rmtree(tmp_path / name)
        shutil.copytree(tmp_path / "backup" / name, tmp_path / name)
    os.utime(folder / "versions")
    assert gateway.current() is valid
    assert "version 2 is gone" in str(problems[0])
    assert store_in(folder).current().version == "1"


@pytest.mark.parametrize("name", ["0000", "0099", "999999"])
def test_a_number_that_nobody_signed_stops_the_start_and_is_not_kept(folder, rules, tmp_path, name):
    store_in(folder).activate(rules, "a")
    (folder / "versions" / name).mkdir()
    store = store_in(folder)
    store.prepare("setup")
    assert PolicyKey(tmp_path / "keys").highest() == 1
    if name == "0000":
        assert store.current().version == "1"
        return
    with pytest.raises(PolicyErrors, match=f"versions/{name}: this version is not signed"):
        store.current()
    if name == "999999":
        with pytest.raises(PolicyErrors, match="no number after this one"):
            store.activate(rules, "a")
        (folder / "versions" / name).rmdir()
    activate_confirmed(store, rules, "a")
    assert store.current().version == ("100" if name == "0099" else "2")


@pytest.mark.parametrize("name", ["x", "1", "00002", "1234567", "9" * 200, "²", "0002.old"])
def test_what_is_no_number_is_no_version(folder, rules, name):
    store_in(folder).activate(rules, "a")
    (folder / "versions" / name).mkdir()
    assert store_in(folder).current().version == "1"


def test_a_number_that_was_not_kept_in_time_is_kept_at_the_next_start(folder, rules, tmp_path):
    store_in(folder).activate(rules, "a")
    (tmp_path / "keys" / "policy.highest").unlink()
    store_in(folder).prepare("setup")
    assert PolicyKey(tmp_path / "keys").highest() == 1


def test_without_any_policy_nothing_can_be_decided(folder):
    with pytest.raises(PolicyErrors, match="no policy is in force"):
        store_in(folder).current()


def test_a_change_is_seen_when_the_clock_stands_still_or_goes_back(folder, rules):
    store_in(folder).activate(rules, "a")
    gateway = store_in(folder)
    gateway.current()
    ahead = time.time_ns() + 3_600_000_000_000
    os.utime(folder / "versions", ns=(ahead, ahead))
    assert gateway.current().version == "1"
    store_in(folder).activate(rules, "a")
    assert gateway.current().version == "2"
    assert (folder / "versions").stat().st_mtime_ns == ahead + 1


# --- what is wider ---------------------------------------------------------------------------------------------------------------


def test_what_is_wider_is_named_and_needs_a_confirmation_of_exactly_this_change(folder, rules, tmp_path):
    changes = []
    store = store_in(folder, record=changes.append)
    store.activate(rules, "a")
    wide = written(tmp_path / "wide", WIDER)
    with pytest.raises(WideningError) as found:
        store.activate(wide, "b")
    wider = found.value.widenings
    assert [str(line) for line in wider.lines] == [
        "manager: read: allow: phone clear instead of hide for 1 client (a manager reads a card, a.cases.yaml:2)",
        "manager: read: allow: it lets more go, or in other situations (rule managers-read, rules)",
    ]
    with pytest.raises(WideningError):
        store.activate(wide, "b", confirmed=Confirmation(digest="another", by="P-1"))
    assert store.current().version == "1"
    assert len(changes) == 1
    store.activate(wide, "b", confirmed=Confirmation(digest=wider.digest, by="P-1"))
    assert (changes[1].widenings, changes[1].confirmed_by) == (len(wider.lines), "P-1")
    signed = store.versions.newest().statement.confirmed
    assert signed == Confirmation(digest=wider.digest, by="P-1", widenings=len(wider.lines))


def test_a_confirmation_does_not_hold_for_what_came_between(folder, rules, tmp_path):
    store = store_in(folder)
    store.activate(rules, "a")
    wide = written(tmp_path / "wide", WIDER)
    with pytest.raises(WideningError) as found:
        store.activate(wide, "b")
    store.activate(rules, "another admin")
    with pytest.raises(WideningError):
        store.activate(wide, "b", confirmed=Confirmation(digest=found.value.widenings.digest, by="b"))


def test_going_back_is_a_new_version_and_judged_like_any_other(folder, rules, tmp_path):
    changes = []
    store = store_in(folder, record=changes.append)
    with pytest.raises(PolicyErrors, match="no policy is in force"):
        store.rollback(None, "a")
    store.activate(rules, "a")
    with pytest.raises(PolicyErrors, match="no earlier version"):
        store.rollback(None, "a")
    narrow = written(tmp_path / "narrow", RULES.replace("for: others", "for: all"))
    store.activate(narrow, "a")
    with pytest.raises(WideningError) as found:
        store.rollback(None, "b")
    assert store.rollback(None, "b", confirmed=Confirmation(digest=found.value.widenings.digest, by="b")) == 3
    assert store.current().version == "3"
    assert (changes[-1].rollback_to, store.versions.newest().statement.rollback_to) == (1, 1)
    assert (version(folder, 3) / "a.yaml").read_text() == RULES
    with pytest.raises(PolicyErrors, match="no earlier version"):
        store.rollback(None, "b")
    assert store.rollback(2, "b") == 4
    loosen(folder)
    with pytest.raises(PolicyErrors, match="changed after it was signed"):
        store.rollback(2, "b")
    with pytest.raises(PolicyErrors, match="this version is missing"):
        store.rollback(9, "b")


# --- several at once, and cut off ------------------------------------------------------------------------------------------------


def test_two_admins_at_once_get_two_versions(folder, rules):
    numbers, changes = [], []
    together = threading.Barrier(3)

    def activate():
        store = store_in(folder, record=changes.append)
        together.wait()
        numbers.append(store.activate(rules, "a"))

    threads = [threading.Thread(target=activate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3]
    assert sorted(change.version for change in changes) == [1, 2, 3]
    assert store_in(folder).current().version == "3"


def test_only_we_may_read_and_write_the_versions(folder, rules):
    old = os.umask(0)
    try:
        store_in(folder).activate(rules, "a")
    finally:
        os.umask(old)
    for path in (folder, *folder.rglob("*"), *(folder.parent / "keys").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_processes_that_start_side_by_side_activate_the_shipped_rules_once(folder: Path) -> None:
    changes: list[Change] = []
    stores = [store_in(folder, record=changes.append) for _ in range(4)]
    with ThreadPoolExecutor(4) as together:
        list(together.map(lambda store: store.prepare("torwart"), stores))
    assert [change.version for change in changes] == [1]
    assert names(folder) == ["0001"]


def test_a_kill_at_any_moment_leaves_a_whole_version_in_force(folder, rules, tmp_path):
    """Fifty times SIGKILL: what is in force is valid, never goes back, was recorded, and nothing half is left after the next one."""
    started = time.monotonic()
    store_in(folder).activate(rules, "a")
    one_takes = time.monotonic() - started
    told = tmp_path / "told"
    told.write_text("1\n")
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([stores.__name__])
    before = 1
    for round_ in range(50):
        process = forks.Process(target=stores.activate_for_ever, args=(folder, rules, told, begun := forks.Event()))
        process.start()
        assert begun.wait(30)
        time.sleep(one_takes * (1 + round_ % 10) / 2)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        store = store_in(folder)
        store.prepare("setup")
        number = int(store.current().version)
        assert number >= before
        assert str(number) in told.read_text().split()
        before = number
    assert before > 1
    store_in(folder).activate(rules, "a")
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "versions"]


class Full:
    """A disk that is full from the n-th file on."""

    def __init__(self, monkeypatch, files):
        self.left = files
        self.real = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, handle):
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")
        self.real(handle)


@pytest.mark.parametrize("files", range(5))
def test_a_full_disk_leaves_what_was_in_force(folder, rules, files, monkeypatch):
    changes = []
    store = store_in(folder, record=changes.append)
    store.activate(rules, "a")
    with monkeypatch.context() as patch:
        Full(patch, files)
        try:
            store.activate(rules, "b")
        except OSError:
            assert files < 4 or changes[-1].activated is False
    number = int(store_in(folder).current().version)
    assert number == (1 if files < 4 else 2)
    assert store_in(folder).activate(rules, "c") == number + 1


def test_a_folder_that_changes_while_it_is_read_is_refused(folder, rules, monkeypatch):
    from policies import store as module

    def meanwhile(files, errors):
        contents = real(files, errors)
        (rules / "b.yaml").write_text(WIDER.replace("managers-read", "more"))
        return contents

    real = module.read_contents
    monkeypatch.setattr(module, "read_contents", meanwhile)
    with pytest.raises(PolicyErrors, match="changed while it was read"):
        store_in(folder).activate(rules, "a")
    assert store_in(folder).version() == 0


def test_the_shipped_rules_can_be_activated_and_narrowed_without_a_confirmation(folder, tmp_path):
    store = store_in(folder)
    store.prepare("setup")
    assert store.activate(SHIPPED, "a") == 2
