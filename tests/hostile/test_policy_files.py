"""Rule files from a careless or hostile hand: one clear message each, nothing is constructed, the last valid version stays."""

import os
import sys
import tracemalloc
from itertools import pairwise

import pytest

from policies.load import MAX_BYTES, MAX_FILES, load
from policies.problems import PolicyErrors
from policies.store import SHIPPED
from tests.policies.stores import store_in

RULE = "rules:\n  - {id: one, roles: any, actions: [read], resource: client, effect: allow%s}\n"
BOMB = "a: &a [x, x, x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghijklmnopqrst"))

FILES = {
    "empty": (b"", "no rule here"),
    "blank": (b"\n\n# nothing\n", "no rule here"),
    "only dashes": (b"---\n", "no rule here"),
    "no rules": (b"about: x\n", "no rule here"),
    "half written": (b"rules:\n  - id: one\n    roles: [manager", "not YAML"),
    "tabs": (b"rules:\n\t- id: one\n", "indent with blanks"),
    "not UTF-8": (b"about: caf\xe9\n", ":1:1: not UTF-8"),
    "UTF-16": ("rules: []\n".encode("utf-16"), "not UTF-8"),
    "NUL": (b"about: a\x00b\n", "not YAML"),
    "control character": (b"about: a\x07b\n", "not YAML"),
    "anchor": (b"about: &a x\n", "an anchor (&) is not allowed"),
    "alias": (b"about: &a x\nrules: *a\n", "an alias (*) is not allowed"),
    "bomb of anchors": (BOMB.encode(), "is not allowed"),
    "merge key": (b"rules:\n  - <<: {id: one}\n", "'<<' is not known here"),
    "tag": (b"about: !!python/object/apply:os.system ['true']\n", "a tag (!) is not allowed"),
    "own tag": (b"!policy\nrules: []\n", "a tag (!) is not allowed"),
    "deep nest": (b"rules: " + b"[" * 5_000, "nested deeper"),
    "deep block": ("".join(f"{' ' * n}a:\n" for n in range(500)).encode(), "nested deeper"),
    "complex key": (b"? [a, b]\n: c\n", "a key is a word"),
    "key twice": (b"about: x\nabout: y\n", "'about' is given twice"),
    "two documents": (b"about: x\n---\nrules: []\n", "a second document"),
    "a list": (b"- a\n- b\n", "input should be a valid"),
    "a word": (b"rules\n", "input should be a valid"),
    "rules are a word": (b"rules: yes\n", "1:8: input should be a valid list"),
    "a rule is a word": (b"rules: [yes]\n", "input should be a valid"),
    "a rule is null": (b"rules: [~]\n", "input should be a valid"),
    "id is a number": (b"rules: [{id: 3}]\n", "id: "),
    "too large": (b"#" * (MAX_BYTES + 1), "larger than"),
    "unknown member": ((RULE % ", prio: 3").encode(), "'prio' is not known here"),
    "unknown attribute": ((RULE % ", when: 'principal.salary > 3'").encode(), "'salary' is not known here"),
    "wrong type": ((RULE % ", when: 'usage.base > true'").encode(), "this is a bool, not a int"),
    "condition is a number": ((RULE % ", when: 3").encode(), "when: input should be a valid string"),
    "code as condition": ((RULE % ', when: \'__import__("os").system("true")\'').encode(), "there is no function"),
    "pattern bomb": ((RULE % ", when: 'resource.model.matches(\"((a{1000}){1000}){1000}\")'").encode(), "the pattern cannot be read"),
    "deep condition": ((RULE % (", when: '" + "(" * 1000 + "true" + ")" * 1000 + "'")).encode(), "nested deeper"),
    "huge number": ((RULE % (", when: 'usage.base > " + "9" * 3000 + "'")).encode(), "64 bits"),
    "masks that nothing would put on": (
        b"rules:\n  - {id: a, roles: any, actions: [read], resource: client, effect: require, require: key, reason: limit_needs_key,"
        b" masks: {contact: hide}, for: all, whole: true}\n",
        "it has no masks and no whole",
    ),
    "a deny for nobody": (
        b"rules: [{id: a, roles: [any], actions: any, resource: client, effect: deny, reason: not_for_you}]\n",
        "write `roles: any`",
    ),
    "allow anything on clients": (b"rules: [{id: all, roles: any, actions: any, resource: client, effect: allow}]\n", "names its actions"),
}


@pytest.mark.parametrize(("content", "says"), FILES.values(), ids=FILES.keys())
def test_a_bad_file_is_refused_and_the_last_valid_policy_stays(tmp_path, content, says):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_bytes(content)
    with pytest.raises(PolicyErrors) as error:
        load(folder)
    assert says in str(error.value)
    assert all(found.file == "a.yaml" for found in error.value.errors)
    (folder / "a.cases.yaml").write_bytes((SHIPPED / "everybody.cases.yaml").read_bytes())
    store = store_in(tmp_path / "policies")
    store.prepare("test")
    with pytest.raises(PolicyErrors):
        store.activate(folder, "test")
    assert store.current().version == "1"


@pytest.mark.parametrize("content", [content for content, _ in FILES.values()], ids=FILES.keys())
def test_a_bad_file_of_cases_is_refused_like_one_of_rules(tmp_path, content):
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_bytes((SHIPPED / "sales.yaml").read_bytes())
    (folder / "a.cases.yaml").write_bytes(content)
    with pytest.raises(PolicyErrors):
        store_in(tmp_path / "policies").activate(folder, "test")


HINTS = {
    "include": (b"include: other.yaml\n", "all files of a folder are read together"),
    "includes that go in a circle": (b"includes: [a.yaml]\n", "all files of a folder are read together"),
    "cases in a file of rules": (b"cases: []\n", "NAME.cases.yaml"),
    "people in a file of rules": (b"people: {}\n", "NAME.cases.yaml"),
    "a plain slip": (b"ruels: []\n", "did you mean rules?"),
}


@pytest.mark.parametrize(("content", "hint"), HINTS.values(), ids=HINTS.keys())
def test_what_people_try_gets_a_hint_at_its_place(tmp_path, content, hint):
    (tmp_path / "a.yaml").write_bytes(content)
    with pytest.raises(PolicyErrors) as error:
        load(tmp_path)
    assert [(found.line, found.column) for found in error.value.errors] == [(1, 1)]
    assert hint in error.value.errors[0].hint


def test_a_loop_of_links_a_folder_and_a_link_to_nothing_are_named(tmp_path):
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    (tmp_path / "c.yaml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(PolicyErrors) as error:
        load(tmp_path)
    assert [found.file for found in error.value.errors] == ["a.yaml", "b.yaml", "c.yaml"]
    assert "a link leads to itself: remove it" in str(error.value.errors[0])
    assert "check that it exists" in str(error.value.errors[2])
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(PolicyErrors, match="a link leads to itself"):
        load(loop)


def test_a_link_to_a_file_of_rules_is_read(tmp_path):
    """As a container mounts its configuration."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x").write_text(RULE % "")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "data" / "x")
    assert len(load(tmp_path).rules) == 1


def test_a_hundred_megabytes_are_not_read(tmp_path):
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(PolicyErrors, match="larger than"):
            load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_BYTES
    finally:
        tracemalloc.stop()


def test_many_large_files_are_not_all_read(tmp_path):
    for number in range(15):
        (tmp_path / f"{number:02}.yaml").write_bytes(b"#" * MAX_BYTES)
    with pytest.raises(PolicyErrors, match=r"10\.yaml: all files are more than 40,000,000 bytes"):
        load(tmp_path)


def test_too_many_files_are_refused_before_they_are_read(tmp_path):
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").write_bytes(b"")
    with pytest.raises(PolicyErrors, match="more than 500 rule files"):
        load(tmp_path)


def test_a_number_of_a_million_digits_is_a_word(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(RULE % (", about: " + "9" * 1_000_000))
    assert load(path).rules[0].text.about == "9" * 1_000_000
    assert sys.get_int_max_str_digits() < 1_000_000


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(RULE % "")
    path.chmod(0)
    with pytest.raises(PolicyErrors, match="cannot be read: Permission denied"):
        load(path)


def test_what_is_no_ordinary_file_is_named_and_not_waited_for(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    (tmp_path / "b.yaml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "c.yaml")
    with pytest.raises(PolicyErrors) as error:
        load(tmp_path)
    assert [found.file for found in error.value.errors] == ["a.yaml", "b.yaml", "c.yaml"]
    assert str(error.value).count("no ordinary file") == 3
