"""E88: whether a person is unknown, or known and without a key, cannot be told from what is done: the same calls, statements and answers.

Time itself is in no test: `make bench ONLY=stepup` prints both distributions.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event

from auth.keys import KeyRefusedError
from auth.tables import Person
from deploy.demo.software_key import Lies, SoftwareKey
from tests.services.console import Pages
from tests.services.house import RP_ID, TORWART, Ceremonies

OURS = str(Path(__file__).parents[2])


def steps(ceremonies: Ceremonies, work: Callable[[], object]) -> list[str]:
    """Every call of a function of ours, and every statement to the database, in order."""
    seen: list[str] = []

    def called(frame: FrameType, what: str, _argument: object) -> None:
        code = frame.f_code
        if what == "call" and code.co_filename.startswith(OURS) and "/.venv/" not in code.co_filename:
            seen.append(f"{code.co_filename.removeprefix(OURS)}:{code.co_qualname}")

    def stated(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    event.listen(ceremonies.house.engine, "before_cursor_execute", stated)
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
        event.remove(ceremonies.house.engine, "before_cursor_execute", stated)
    return seen


def answer_of(ceremonies: Ceremonies, handle: bytes) -> tuple[str, dict[str, Any]]:
    """An answer of a key that is registered nowhere, and that names this person."""
    stranger = SoftwareKey()
    stranger.create({"rp": {"id": RP_ID}, "user": {"id": "QQ"}, "challenge": "QQ"}, TORWART)
    options, state = ceremonies.sign_in.begin()
    return state, stranger.get(options, TORWART, lies=Lies(user_handle=handle))


def test_a_sign_in_takes_the_same_steps_for_nobody_and_for_somebody_without_a_key(ceremonies: Ceremonies, anna: Person) -> None:
    boris = ceremonies.house.people.add("Boris Hartwig", "boris@firma.example", ["manager"])
    ceremonies.enrol(boris)
    traces = []
    for handle in (b"n" * 32, anna.user_handle, boris.user_handle, b"n" * 32):
        state, answer = answer_of(ceremonies, handle)

        def refused(state: str = state, answer: dict[str, Any] = answer) -> None:
            with pytest.raises(KeyRefusedError):
                ceremonies.sign_in.complete(state, answer)

        traces.append(steps(ceremonies, refused))
    first = traces[-1]  # the very first run also imports and prepares
    assert any("verify_assertion" in step for step in first)
    assert any(step.startswith("SELECT") for step in first)
    assert [trace == first for trace in traces[1:]] == [True] * 3
    assert ceremonies.refusals() == ["unknown_key"] * 4


def test_a_key_is_asked_for_by_the_same_steps_for_nobody_and_for_somebody_without_one(ceremonies: Ceremonies, anna: Person) -> None:
    def asked(person_id: str) -> list[str]:
        def refused() -> None:
            with pytest.raises(KeyRefusedError) as raised:
                ceremonies.keys.options(person_id, b"c" * 32, 60)
            assert raised.value.cause == "no_key"

        return steps(ceremonies, refused)

    asked(anna.id)
    assert asked("nobody") == asked(anna.id)
    assert len(asked("nobody")) > 1


def test_the_answers_are_the_same_to_the_last_header(pages: Pages) -> None:
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    token = pages.services.keys.issue_token(boris.id, None)
    registered, client = SoftwareKey(), pages.client()
    creation, _ = pages.services.keys.begin_registration(token)
    pages.services.keys.complete_registration(token, registered.create(creation, pages.url))
    pages.services.people.freeze(boris.id, None)
    stranger = SoftwareKey()
    stranger.create({"rp": {"id": RP_ID}, "user": {"id": "QQ"}, "challenge": "QQ"}, pages.url)
    said = []
    for key, lies in (
        (stranger, Lies(user_handle=b"n" * 32)),
        (stranger, Lies(user_handle=anna.user_handle)),
        (registered, Lies()),  # frozen
        (registered, Lies(members={"origin": "https://evil.example"})),
    ):
        begun = client.post("/api/signin/begin", json={}).json()
        body = {"state": begun["state"], "response": key.get(begun["options"], pages.url, lies=lies)}
        answer = client.post("/api/signin/complete", json=body)
        said.append((answer.status_code, answer.content, sorted(answer.headers.items())))
    assert said[0][0] == 403
    assert all(one == said[0] for one in said)
