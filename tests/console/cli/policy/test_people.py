"""Whom the record names: today's directory by pseudonym."""

from pathlib import Path

import pytest

from audit_store.request_record import Seat
from auth.installation import template
from console.cli.house import open_house
from console.cli.policy.people import people_of


@pytest.mark.parametrize("shown", [True, False])
def test_everybody_has_a_seat_and_a_name_only_where_names_are_shown(tmp_path: Path, shown: bool) -> None:
    config = tmp_path / "torwart.yaml"
    config.write_text(template() if shown else template().replace("names: shown", "names: pseudonyms"), encoding="utf-8")
    with open_house(config) as house:
        anna = house.people.add("Anna Kern", "anna@firma.example", ["manager"], "en", ["anna"], team="north", territory="T1")
    people = people_of(config)
    assert people.seats == {anna.pseudonym: Seat("north", "T1", "en")}
    assert people.called(anna.pseudonym) == (f"{anna.pseudonym} (Anna Kern)" if shown else anna.pseudonym)
    assert people.called("P-00000000") == "P-00000000"
