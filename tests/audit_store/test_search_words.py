"""Free text as words."""

import sqlite3
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_store.search import Mark, Where
from audit_store.search_index import token
from audit_store.search_words import LETTERS_MAX, words_of

HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("üÜßẞéёЁйЖзИ09-_.*?\"'():^~İıſŉǰﬁ²½…🙂\u0301\u0308\u200d\0")), max_size=40)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Größe STRASSE Straße straẞe", ("grösse", "strasse")),
        ("Ёлки-палки, ВСЁ й", ("елки", "палки", "все", "й")),
        ("party.party_read", ("party", "read")),
        ("e\u0301te\u0301", ("été",)),
        ("ﬁle ＡＢＣ ²", ("file", "abc", "2")),
        ("7F3A v7:export 10.000", ("7f3a", "v7", "export", "10", "000")),
        ("🙂 – * \0", ()),
        ("a" * 100, ("a" * LETTERS_MAX,)),
    ],
)
def test_a_text_is_these_words(text: str, words: tuple[str, ...]) -> None:
    assert words_of(text) == words


@given(HOSTILE)
def test_capitals_and_composition_make_no_difference(text: str) -> None:
    for other in (text.casefold(), normalize("NFC", text), normalize("NFD", text)):
        assert words_of(other) == words_of(text)


@given(HOSTILE)
def test_words_said_again_are_the_same_words(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words


@given(st.lists(HOSTILE, min_size=1, max_size=5), HOSTILE)
def test_sqlite_neither_splits_nor_joins_nor_changes_a_word(texts: list[str], other: str) -> None:
    """The tokens of the index are found by themselves and by nothing else."""
    events = [words_of(text) for text in texts]
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5 (marks, content='', detail=none, columnsize=0, tokenize='ascii')")
    for number, words in enumerate(events, 1):
        connection.execute(
            "INSERT INTO found (rowid, marks) VALUES (?, ?)", (number, " ".join(token(Mark(Where.WORDS, one)) for one in words))
        )
    for word in {*words_of(other), *(one for words in events for one in words)}:
        rows = connection.execute("SELECT rowid FROM found WHERE found MATCH ?", (f'"{token(Mark(Where.WORDS, word))}"',)).fetchall()
        assert [row[0] for row in rows] == [number for number, words in enumerate(events, 1) if word in words], word
    connection.close()


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2, unique=True),
    st.sampled_from(Where),
    st.sampled_from(Where),
)
def test_different_marks_are_different_tokens_of_letters_and_digits(values: list[str], one: Where, other: Where) -> None:
    first, second = token(Mark(one, values[0])), token(Mark(other, values[1]))
    if Where.WORDS not in (one, other):
        assert first != second
        assert all(text.isascii() and text.isalnum() and text == text.lower() for text in (first, second))
