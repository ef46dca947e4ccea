from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from audit_store.database import open_database
from audit_store.sealing import seal, unseal
from audit_store.tables import SubjectKey

NOW = datetime(2026, 5, 12, 9, tzinfo=UTC)
ANNA, BORIS = "P-0000000A", "P-0000000B"
WORDS = "Anna Feldmann kopiert nachts"


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(open_database(tmp_path / "torwart.db"))


def test_words_are_read_with_the_key_and_gone_without_it(session: Session) -> None:
    anna, again, boris = seal(session, ANNA, WORDS, NOW), seal(session, ANNA, WORDS, NOW), seal(session, BORIS, "Boris auch", NOW)
    assert anna["key"] == again["key"] != boris["key"]
    assert anna["text"] != again["text"]
    assert (unseal(session, anna), unseal(session, again)) == (WORDS, WORDS)
    session.execute(delete(SubjectKey).where(SubjectKey.pseudonym == ANNA))
    assert (unseal(session, anna), unseal(session, again), unseal(session, boris)) == (None, None, "Boris auch")
    later = seal(session, ANNA, "wieder da", NOW)
    assert later["key"] != anna["key"]
    assert unseal(session, anna) is None


@pytest.mark.parametrize("harm", ["cut", "changed", "another's", "no text"])
def test_what_was_not_sealed_so_is_refused(session: Session, harm: str) -> None:
    sealed, other = seal(session, ANNA, WORDS, NOW), seal(session, BORIS, WORDS, NOW)
    match harm:
        case "cut":
            sealed["text"] = sealed["text"][:16]
        case "changed":
            sealed["text"] = ("A" if sealed["text"][0] != "A" else "B") + sealed["text"][1:]
        case "another's":
            sealed["text"] = other["text"]
        case "no text":
            del sealed["text"]
    with pytest.raises(ValueError, match="not sealed with this key"):
        unseal(session, sealed)
