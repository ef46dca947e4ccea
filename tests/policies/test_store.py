"""The policy in force: numbered, checked, recorded before the switch, and the last valid one when a file is spoilt."""

import os
import shutil
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from policies.engine import decide
from policies.problems import PolicyErrors
from policies.request import Action
from policies.store import SHIPPED, Change, PolicyStore, RedCasesError
from tests.policies.acts import act


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "policies"


@pytest.fixture
def rules(tmp_path):
    return shutil.copytree(SHIPPED, tmp_path / "rules")


def change(rules, old, new):
    path = rules / "starter.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_new_installation_starts_with_the_shipped_rules(folder):
    changes = []
    store = PolicyStore(folder, record=changes.append)
    store.prepare("setup")
    store.prepare("setup")
    assert store.current().version == "1"
    assert decide(act(Action.READ, own=1), store.current()).rules == ("1:manager-reads",)
    assert [(change.activated, change.version, change.by) for change in changes] == [(True, 1, "setup")]


def test_a_gateway_takes_a_new_version_at_its_next_question(folder, rules):
    gateway, admin = PolicyStore(folder), PolicyStore(folder)
    admin.activate(rules, "a")
    first = gateway.current()
    assert gateway.current() is first
    admin.activate(rules, "a")
    assert gateway.current().version == "2"


def test_rules_with_errors_are_refused_and_the_refusal_is_recorded(folder, rules):
    changes = []
    store = PolicyStore(folder, record=changes.append)
    store.activate(rules, "a")
    change(rules, "effect: deny", "effect: dny")
    with pytest.raises(PolicyErrors):
        store.activate(rules, "b")
    assert store.current().version == "1"
    assert (changes[1].activated, changes[1].version, changes[1].by) == (False, 1, "b")
    assert changes[1].errors > 1
    assert [path.name for path in (folder / "versions").iterdir()] == ["0001"]


def test_red_cases_are_refused(folder, rules):
    changes = []
    store = PolicyStore(folder, record=changes.append)
    change(rules, "keep: own", "keep: all")
    with pytest.raises(RedCasesError) as error:
        store.activate(rules, "a")
    assert error.value.red
    assert changes[0].red == len(error.value.red)
    assert store.version() == 0


def test_rules_without_cases_are_refused(folder, rules):
    (rules / "starter.cases.yaml").unlink()
    with pytest.raises(PolicyErrors, match="there is no case"):
        PolicyStore(folder).activate(rules, "a")


def test_a_folder_without_rules_and_a_file_that_is_not_there_are_refused(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(PolicyErrors, match="empty: no rule file here"):
        PolicyStore(folder).activate(tmp_path / "empty", "a")
    with pytest.raises(PolicyErrors, match="nowhere: cannot be read"):
        PolicyStore(folder).activate(tmp_path / "nowhere", "a")


def test_what_cannot_be_recorded_is_not_put_in_force(folder, rules):
    def fails(change):
        raise OSError("disk full")

    PolicyStore(folder).activate(rules, "a")
    with pytest.raises(OSError, match="disk full"):
        PolicyStore(folder, record=fails).activate(rules, "a")
    assert PolicyStore(folder).current().version == "1"
    assert PolicyStore(folder).activate(rules, "a") == 3


def test_a_version_that_was_changed_in_place_is_not_used_and_said_once(folder, rules):
    problems = []
    gateway = PolicyStore(folder, problem=problems.append)
    gateway.activate(rules, "a")
    valid = gateway.current()
    PolicyStore(folder).activate(rules, "a")
    path = folder / "versions" / "0002" / "starter.yaml"
    path.write_text(path.read_text().replace("percent: 10", "percent: 99"))
    assert gateway.current() is valid
    assert gateway.current() is valid
    assert len(problems) == 1
    with pytest.raises(PolicyErrors, match="changed after it was activated"):
        PolicyStore(folder).current()


@pytest.mark.parametrize("content", [b"", b"7", b"x y\n", b"\xff\xfe", b"1 abc", b"9 abc\n", b"1 2 3"])
def test_a_spoilt_pointer_leaves_the_last_valid_version(folder, rules, content):
    gateway = PolicyStore(folder)
    gateway.activate(rules, "a")
    valid = gateway.current()
    (folder / "active").write_bytes(content)
    assert gateway.current() is valid
    with pytest.raises(PolicyErrors):
        PolicyStore(folder).current()


def test_a_pointer_that_vanishes_leaves_the_last_valid_version(folder, rules):
    gateway = PolicyStore(folder)
    gateway.activate(rules, "a")
    valid = gateway.current()
    (folder / "active").unlink()
    assert gateway.current() is valid
    PolicyStore(folder).activate(rules, "a")
    assert gateway.current().version == "2"


def test_a_lost_pointer_does_not_bring_the_shipped_rules_back(folder, rules):
    PolicyStore(folder).prepare("setup")
    PolicyStore(folder).activate(rules, "admin")
    (folder / "active").unlink()
    store = PolicyStore(folder)
    store.prepare("setup")
    with pytest.raises(PolicyErrors, match="no policy is in force"):
        store.current()


def test_a_first_start_that_was_cut_off_before_the_switch_begins_again(folder):
    PolicyStore(folder).prepare("setup")
    (folder / "active").unlink()
    store = PolicyStore(folder)
    store.prepare("setup")
    assert store.current().version == "2"


def test_without_any_policy_nothing_can_be_decided(folder):
    with pytest.raises(PolicyErrors, match="no policy is in force"):
        PolicyStore(folder).current()


def test_two_admins_at_once_get_two_versions(folder, rules):
    numbers, changes = [], []
    together = threading.Barrier(3)

    def activate():
        store = PolicyStore(folder, record=changes.append)
        together.wait()
        numbers.append(store.activate(rules, "a"))

    threads = [threading.Thread(target=activate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3]
    assert sorted(change.version for change in changes) == [1, 2, 3]
    assert PolicyStore(folder).current().version in {"1", "2", "3"}


def test_only_we_may_read_and_write_the_versions(folder, rules):
    old = os.umask(0)
    try:
        PolicyStore(folder).activate(rules, "a")
    finally:
        os.umask(old)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_processes_that_start_side_by_side_activate_the_shipped_rules_once(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    changes: list[Change] = []
    stores = [PolicyStore(folder, record=changes.append) for _ in range(4)]
    with ThreadPoolExecutor(4) as together:
        list(together.map(lambda store: store.prepare("torwart"), stores))
    assert [change.version for change in changes] == [1]
    assert [path.name for path in (folder / "versions").iterdir()] == ["0001"]
