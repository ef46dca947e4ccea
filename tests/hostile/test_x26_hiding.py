"""X26: who writes clients' values into other cards hides no client from detection."""

from __future__ import annotations

from pathlib import Path

from detectors.client_index.base_file import MOST_SHARED
from detectors.client_index.learner import Learner
from tests.detectors.client_index.clients import HOME, clients, email, index_of, phone


def test_x26_values_written_into_many_new_cards_go_on_naming_their_clients(tmp_path: Path) -> None:
    index = index_of(tmp_path, *(email(str(number), f"kunde{number}@haus.example") for number in range(30)), phone("7", "0151 2345678"))
    learner = Learner(tmp_path, HOME)
    for junk in range(1_000, 1_001 + 2 * MOST_SHARED):
        learner.note([email(str(junk), f"kunde{number}@haus.example") for number in range(30)])
        learner.note([phone(str(junk), "0151 2345678")])
    assert learner.settled(30)
    learner.close()
    text = "\n".join(f"kunde{number}@haus.example" for number in range(30)) + "\n0151 2345678"
    assert clients(index, text) == {str(number): {"email"} | ({"phone"} if number == 7 else set()) for number in range(30)}
    index.close()
