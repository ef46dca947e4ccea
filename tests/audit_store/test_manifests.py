"""Manifests: what left in each export, and which exports explain a finding."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_store.database import open_database
from audit_store.manifests import LINKS_MAX, Export, Manifests
from tests.audit_store.acts import NOW

ANNA, BERTA = "P-00000001", "P-00000002"


def ids(first: int, count: int) -> frozenset[str]:
    return frozenset(str(number) for number in range(first, first + count))


def export(act_id: str, clients: frozenset[str], *, hours: int = 0, pseudonym: str = ANNA, keys: frozenset[int] = frozenset()) -> Export:
    return Export(act_id, pseudonym, NOW + timedelta(hours=hours), clients, keys, ("name", "phone"), f"{abs(hash(act_id)):064x}"[:64])


@pytest.fixture
def manifests(tmp_path: Path) -> Iterator[Manifests]:
    engine = open_database(tmp_path / "torwart.db")
    yield Manifests(engine)
    engine.dispose()


def test_an_export_is_kept_with_everything_but_a_value(manifests: Manifests, tmp_path: Path) -> None:
    name = manifests.put(export("act-1", ids(1, 40), keys=frozenset({1, (1 << 64) - 1})))
    row = manifests.get(name)
    assert row is not None
    assert (row.act_id, row.pseudonym, row.at, row.fields) == ("act-1", ANNA, NOW, ["name", "phone"])
    assert len(name) == 4
    assert manifests.get("ZZZZ") is None


def test_a_finding_is_explained_by_the_export_that_has_its_clients(manifests: Manifests) -> None:
    manifests.put(export("other", ids(500, 40)))
    name = manifests.put(export("mine", ids(1, 40)))
    (link,) = manifests.explain(ids(1, 20))
    assert (link.name, link.act_id, link.clients, link.of, link.confidence) == (name, "mine", 20, 40, 1.0)


def test_what_another_process_exported_a_moment_ago_is_known(manifests: Manifests, tmp_path: Path) -> None:
    assert manifests.explain(ids(1, 3)) == []
    engine = open_database(tmp_path / "torwart.db")
    Manifests(engine).put(export("theirs", ids(1, 3)))
    engine.dispose()
    assert [link.act_id for link in manifests.explain(ids(1, 3))] == ["theirs"]


def test_the_export_with_fewer_others_explains_better_then_the_own_one_then_the_newer(manifests: Manifests) -> None:
    manifests.put(export("all", ids(1, 3_000), hours=9))
    manifests.put(export("forty", ids(1, 40), pseudonym=BERTA, hours=1))
    manifests.put(export("forty again", ids(1, 40), pseudonym=ANNA))
    assert manifests.explain(ids(1, 40), pseudonym=ANNA)[0].act_id == "forty again"
    assert manifests.explain(ids(1, 40), pseudonym=BERTA)[0].act_id == "forty"
    assert manifests.explain(ids(1, 40))[0].act_id == "forty"
    assert manifests.explain(ids(41, 40))[0].act_id == "all"


def test_values_tell_apart_two_exports_of_the_same_clients(manifests: Manifests) -> None:
    manifests.put(export("phones", ids(1, 40), keys=frozenset(range(100, 140))))
    manifests.put(export("mails", ids(1, 40), keys=frozenset(range(200, 240)), hours=1))
    assert manifests.explain(ids(1, 40), range(100, 140))[0].act_id == "phones"
    assert manifests.explain(ids(1, 40), range(200, 240))[0].act_id == "mails"


def test_two_exports_that_explain_as_well_lower_the_confidence(manifests: Manifests) -> None:
    for number in range(2):
        manifests.put(export(f"act-{number}", ids(1, 40), hours=number))
    (link,) = manifests.explain(ids(1, 40))
    older = manifests.get(link.rivals[0])
    assert (link.act_id, link.confidence, len(link.rivals), older and older.act_id) == ("act-1", 0.5, 1, "act-0")


def test_a_file_put_together_from_several_exports_names_them_all(manifests: Manifests) -> None:
    for number in range(3):
        manifests.put(export(f"act-{number}", ids(100 * number, 30 - number)))
    links = manifests.explain(ids(0, 10) | ids(100, 20) | ids(200, 5))
    assert [(link.act_id, link.clients) for link in links] == [("act-1", 20), ("act-0", 10), ("act-2", 5)]
    assert all(link.confidence > 0.9 for link in links)


def test_a_name_that_is_taken_grows(manifests: Manifests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit_store.manifests.NAME_DIGITS", 1)
    names = [manifests.put(export(f"act-{number}", ids(number, 1))) for number in range(40)]
    assert len(set(names)) == 40
    assert {len(name) for name in names} == {1, 2, 3} or {len(name) for name in names} == {1, 2}


def test_an_act_is_exported_once(manifests: Manifests) -> None:
    manifests.put(export("act-1", ids(1, 1)))
    with pytest.raises(Exception, match="UNIQUE"):
        manifests.put(replace(export("act-1", ids(2, 1)), rows=1))
    assert len(manifests.explain(ids(1, 2))) == 1


def test_the_very_file_is_found_by_its_digest(manifests: Manifests) -> None:
    wanted = export("act-1", ids(1, 1))
    manifests.put(wanted)
    found = manifests.of_digest(wanted.digest)
    assert found is not None
    assert found.act_id == "act-1"
    assert manifests.of_digest("0" * 64) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.frozensets(st.integers(1, 40).map(str), min_size=1), max_size=8), st.frozensets(st.integers(1, 60).map(str)))
def test_no_client_is_explained_twice_and_none_that_was_not_exported(
    tmp_path_factory: pytest.TempPathFactory, exports: list[frozenset[str]], found: frozenset[str]
) -> None:
    engine = open_database(tmp_path_factory.mktemp("manifests") / "torwart.db")
    manifests = Manifests(engine)
    for number, clients in enumerate(exports):
        manifests.put(export(f"act-{number}", clients))
    links = manifests.explain(found)
    known = found & frozenset().union(*exports)
    assert sum(link.clients for link in links) <= len(known)
    assert len(links) <= LINKS_MAX
    assert bool(links) == bool(known)
    engine.dispose()
