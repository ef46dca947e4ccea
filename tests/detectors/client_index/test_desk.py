"""The filter of an employee's machine."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detectors.client_index.desk import LEAST_RATE, MOST_RATE, TRIED, DeskFilter, rate
from detectors.client_index.identifier import Identifier
from detectors.client_index.matcher import load_matcher
from detectors.knowledge import KnowledgeError, Matches
from tests.detectors.client_index.clients import email, find, index_of, phone

TRIES = 1_000_000
FORBIDDEN = {"sqlalchemy", "mitmproxy", "fastapi", "fido2", "elasticsearch", "phonenumbers"}


def filter_of(tmp_path: Path, *identifiers: Identifier) -> DeskFilter:
    path = tmp_path / "desk.filter"
    path.write_bytes(index_of(tmp_path, *identifiers).desk_filter())
    return DeskFilter(path)


@pytest.mark.parametrize("count", [3_000, 20_000])
def test_who_tries_all_mobile_numbers_holds_few_true_ones(tmp_path: Path, count: int) -> None:
    """Attacks X27. A million numbers that are nobody's, in three spellings each; then reckoned up for 10^8."""
    chosen = np.random.default_rng(5).choice(TRIED, count, replace=False)
    desk = filter_of(tmp_path, *(phone(str(place), f"0151{number:08d}") for place, number in enumerate(chosen.tolist())))
    matcher = load_matcher(desk.image())
    real = set(chosen.tolist())
    numbers = [number for number in range(40_000_000, 40_000_000 + TRIES) if number not in real]
    hits = []
    for spelling in ("0151{:08d}", "+49151{:08d}", "151{:08d}"):
        found = Matches()
        matcher.find("\n".join(map(spelling.format, numbers)), found)
        hits.append(len(found.suspected))
    assert len(set(hits)) == 1  # a second spelling tells nothing
    share = hits[0] / len(numbers)
    assert 0.8 * rate(count) <= share <= 1.5 * rate(count)
    assert count / (count + share * TRIED) < 0.01


def test_the_rate_grows_with_the_base_so_that_the_precision_stays(tmp_path: Path) -> None:
    assert rate(10) == LEAST_RATE
    assert rate(50_000) * TRIED * 0.01 >= 50_000
    assert rate(10_000_000) == MOST_RATE


def test_the_server_confirms_what_an_employees_machine_suspects(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"), email("8", "anna@firma.example"))
    path = tmp_path / "desk.filter"
    path.write_bytes(index.desk_filter())
    text = "+49 (0)151 2345678, anna@firma.example"
    suspected = find(DeskFilter(path), text)
    assert suspected.clients == {}
    assert suspected.keys == set()
    confirmed = index.confirm(suspected.suspected)
    assert confirmed.clients == find(index, text).clients
    assert confirmed.keys == find(index, text).keys


def test_it_holds_neither_the_index_key_nor_a_client(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("client-7", "0151 2345678"))
    data = index.desk_filter()
    key = (tmp_path / "keys" / "index.key").read_bytes()
    for secret in (key, key.hex().encode(), b"client-7", b"2345678"):
        assert secret not in data
    assert (tmp_path / "keys" / "desk.key").read_bytes().hex().encode() in data


def test_a_new_filter_asks_for_a_new_image(tmp_path: Path) -> None:
    index = index_of(tmp_path, phone("7", "0151 2345678"))
    path = tmp_path / "desk.filter"
    path.write_bytes(index.desk_filter())
    desk = DeskFilter(path)
    mark = desk.image().mark
    assert desk.news(mark) == (mark, b"")
    path.write_bytes(index_of(tmp_path, phone("7", "0151 2345678")).desk_filter())
    assert desk.news(mark) is None


def test_a_damaged_filter_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "desk.filter"
    data = index_of(tmp_path, phone("7", "0151 2345678")).desk_filter()
    for spoilt in (b"", data[:-1], data[:40] + b"x" + data[41:], b"x" * 500):
        path.write_bytes(spoilt)
        with pytest.raises(KnowledgeError, match="damaged"):
            DeskFilter(path).image()


def test_a_missing_filter_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="cannot be read"):
        DeskFilter(tmp_path / "none").image()


def test_the_agents_part_loads_no_library_of_the_server() -> None:
    words = f"import sys, detectors.client_index.desk, detectors.client_index.matcher; print({FORBIDDEN!r} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"
