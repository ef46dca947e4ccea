from datetime import UTC, datetime

import pytest

from audit_store.looks import ABOUT_MAX, asked_for, looks, people_in

NOW = datetime(2026, 5, 12, 9, tzinfo=UTC)
ANNA, BORIS, CLARA = "P-0000000A", "P-0000000B", "P-0000000C"


def test_a_look_at_one_person_names_viewer_and_subject() -> None:
    (event,) = looks(NOW, CLARA, ANNA, [ANNA, CLARA], "act-1")
    assert event.document["user"] == {"id": CLARA}
    assert (event.document["torwart"]["subject"], event.document["torwart"]["act"]) == (ANNA, {"id": "act-1"})
    assert "words" not in event.document["torwart"]


def test_a_look_from_the_command_line_says_so() -> None:
    (event,) = looks(NOW, None, "people", [BORIS, ANNA, "Anna Feldmann"])
    assert event.document["torwart"]["words"] == {"by": "command line", "about": f"{ANNA} {BORIS}"}
    assert "user" not in event.document


def test_of_many_people_none_is_cut() -> None:
    everybody = [f"P-{number:08X}" for number in range(3 * ABOUT_MAX + 1)]
    events = list(looks(NOW, None, "people", everybody))
    assert len(events) == 4
    assert " ".join(event.document["torwart"]["words"]["about"] for event in events) == " ".join(everybody)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"person": ANNA, "client": "7"}, ANNA),
        ({"client": "4711"}, "client 4711"),
        ({"client": "Erika"}, "a client"),
        ({"client": "Erika Mustermann"}, "a client"),
        ({"client": "erika@firma.example"}, "a client"),
        ({"act": "3f0c9a"}, "3f0c9a"),
        ({"act": "Mustermann"}, "an act"),
        ({"act": "7" * 65}, "an act"),
        ({}, "a search"),
    ],
)
def test_what_was_typed_is_kept_only_as_an_id(question: dict[str, str], says: str) -> None:
    assert asked_for(**question) == says


def test_people_are_found_wherever_an_event_names_them() -> None:
    assert people_in([b'{"user":{"id":"P-0000000A"},"torwart":{"words":{"by":"P-0000000B"}}}', b"\xff P-XYZ"]) == {ANNA, BORIS}
