"""The index on disk: damage, other keys, what it says about itself."""

import os
from hashlib import blake2b
from pathlib import Path

import pytest

from detectors.client_index.identifier import Kind
from detectors.client_index.index import ClientIndex
from detectors.client_index.matcher import load_matcher
from detectors.knowledge import KnowledgeError, Matches
from tests.detectors.client_index.clients import build, clients, email, find, index_of, name, phone, tax


def test_without_a_build_nothing_can_be_recognised_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="torwart index build"):
        ClientIndex(tmp_path).image()


@pytest.mark.parametrize("place", [0, 3, 17, 30, 200, -70, -1])
def test_a_changed_byte_is_noticed(tmp_path: Path, place: int) -> None:
    build(tmp_path, *(phone(str(number), f"030 77{number:05d}") for number in range(50)))
    path = tmp_path / "index" / "clients.idx"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(KnowledgeError, match="torwart index build") as raised:
        ClientIndex(tmp_path).image()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("length", [0, 1, 16, 30, 100, 1000])
def test_a_file_that_is_cut_off_is_noticed(tmp_path: Path, length: int) -> None:
    build(tmp_path, *(phone(str(number), f"030 77{number:05d}") for number in range(50)))
    path = tmp_path / "index" / "clients.idx"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(KnowledgeError, match="torwart index build"):
        ClientIndex(tmp_path).image()


def test_a_foreign_file_is_noticed(tmp_path: Path) -> None:
    build(tmp_path, phone("7", "030 1234567"))
    (tmp_path / "index" / "clients.idx").write_bytes(b"PK\x03\x04" + os.urandom(5000))
    with pytest.raises(KnowledgeError, match="no index of clients"):
        ClientIndex(tmp_path).image()


def test_a_file_of_another_version_is_noticed(tmp_path: Path) -> None:
    build(tmp_path, phone("7", "030 1234567"))
    path = tmp_path / "index" / "clients.idx"
    data = path.read_bytes()
    length = int.from_bytes(data[16:24], "little")
    head = data[24 : 24 + length].replace(b'"shared"', b'"shaped"')
    path.write_bytes(data[:24] + head + blake2b(head, digest_size=16).digest() + data[40 + length :])
    with pytest.raises(KnowledgeError, match="another version"):
        ClientIndex(tmp_path).image()


@pytest.mark.parametrize("key", ["index.key", "desk.key"])
def test_a_file_made_under_another_key_is_noticed(tmp_path: Path, key: str) -> None:
    build(tmp_path, phone("7", "030 1234567"))
    (tmp_path / "keys" / key).write_bytes(bytes(32))
    with pytest.raises(KnowledgeError, match="other keys"):
        ClientIndex(tmp_path).image()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    build(tmp_path, phone("7", "030 1234567"))
    (tmp_path / "keys" / "index.key").chmod(0o644)
    with pytest.raises(KnowledgeError, match="chmod 600"):
        ClientIndex(tmp_path)


def test_a_worker_goes_on_with_the_old_file_until_it_gets_a_new_image(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "030 1234567"))
    image = index.image()
    matcher = load_matcher(image)
    build(tmp_path, phone("8", "030 7654321"))
    found = Matches()
    matcher.find("030 1234567", found)
    assert set(found.clients) == {"7"}
    assert index.news(image.mark) is None
    assert clients(index, "030 1234567, 030 7654321") == {"8": {"phone"}}


def test_a_base_that_is_damaged_later_is_noticed_too(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "030 1234567"))
    mark = index.image().mark
    (tmp_path / "index" / "clients.idx").write_bytes(b"")
    with pytest.raises(KnowledgeError):
        index.news(mark)


def test_an_empty_build_recognises_nobody(tmp_path: Path) -> None:
    assert clients(index_of(tmp_path), "030 1234567 a@b.example") == {}


def test_client_ids_that_are_no_numbers_are_kept(tmp_path: Path) -> None:
    ids = ["A-7", "Ü", "0012", "", "9" * 12]
    index = index_of(tmp_path, *(phone(client, f"030 123456{place}") for place, client in enumerate(ids)))
    assert set(find(index, *(f"030 123456{place}" for place in range(len(ids)))).clients) == set(ids)


def test_stats_count_clients_keys_and_kinds(tmp_path: Path) -> None:
    values = phone("7", "030 1234567"), email("7", "a@b.example"), tax("8", "DE123456789"), name("8", "Firma Muster"), name("9", "Nobody")
    stats = index_of(tmp_path, *values).stats()
    assert (stats.clients, stats.keys, stats.kinds) == (3, 5, {"email": 1, "phone": 3, "tax": 1})
    assert stats.size == (tmp_path / "index" / "clients.idx").stat().st_size
    assert (stats.live_keys, stats.shared) == (0, 0)


def test_the_server_says_whose_desk_hashes_and_index_keys_are(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "030 1234567"), email("8", "a@b.example"))
    keys = find(index, "030 1234567").keys
    assert keys
    assert index.owners([*keys, 1, 2**64 - 1]) == {"7": frozenset({Kind.PHONE})}
    assert index.confirm([5, 6]) == Matches()


def test_every_build_is_a_new_generation(tmp_path: Path) -> None:
    generations = [build(tmp_path, phone("7", "030 1234567")).generation for _ in range(4)]
    assert len(set(generations)) == 4
    assert generations == sorted(generations)


def test_very_long_values_cost_little(tmp_path: Path) -> None:
    long = [phone("7", "1," * 500_000), email("7", "a@b.example " * 100_000), name("7", "x y " * 500_000), tax("7", "1A" * 500_000)]
    assert set(find(index_of(tmp_path, *long), "a@b.example").clients) == {"7"}


def test_a_journal_that_cannot_be_read_is_an_error_and_not_silence(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "030 1234567"))
    generation = index.stats().generation
    (tmp_path / "index" / f"live-{generation}.jsonl").symlink_to(tmp_path / "index" / "clients.idx")
    with pytest.raises(KnowledgeError, match="journal"):
        index.image()
