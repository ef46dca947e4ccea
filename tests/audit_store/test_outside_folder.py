"""A folder as a place: only ever added to, and noticed when it is not the one that it was."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from audit_store.outside import Batch, PlaceError, Trouble
from audit_store.outside_folder import FolderPlace, read_place
from audit_store.statement import End, Head, Statement, StatementError
from audit_store.statements import Statements

AT = datetime(2026, 5, 12, 23, 59, tzinfo=UTC)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[Statement]]:
    """Four statements, two on each of two days."""
    now = AT
    statements = Statements.open(tmp_path / "state", clock=lambda: now)
    found = []
    for number in range(4):
        now = AT + timedelta(seconds=45 * number)
        found.append(statements.sign("gateway", Head(End("gateway", 1, number, bytes(32)))))
    yield found
    statements.close()


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    (tmp_path / "outside").mkdir()
    return FolderPlace(tmp_path / "outside")


def put(place: FolderPlace, statements: list[Statement], after: Statement | None = None, newest: int = 4) -> None:
    place.put([Batch(statements, after, newest)])


def trouble(place: FolderPlace, statements: list[Statement], after: Statement | None = None, newest: int = 4) -> Trouble:
    with pytest.raises(PlaceError) as caught:
        put(place, statements, after, newest)
    return caught.value.trouble


def test_a_file_for_each_day_is_added_to(place: FolderPlace, made: list[Statement]) -> None:
    put(place, made[:1])
    before = (place.folder / "torwart-gateway-2026-05-12.txt").read_bytes()
    put(place, made[1:], made[0])
    assert (place.folder / "torwart-gateway-2026-05-12.txt").read_bytes().startswith(before)
    assert sorted(path.name for path in place.folder.iterdir()) == ["torwart-gateway-2026-05-12.txt", "torwart-gateway-2026-05-13.txt"]
    assert read_place(place.folder) == made
    assert place.name == f"folder {place.folder}"


def test_it_is_never_made_and_what_is_not_mounted_is_noticed(place: FolderPlace, made: list[Statement]) -> None:
    put(place, made[:2])
    away = place.folder.rename(place.folder.with_name("away"))
    assert trouble(place, made[2:], made[1]) is Trouble.ABSENT
    place.folder.mkdir()  # the empty folder below a share that is not mounted
    assert trouble(place, made[2:], made[1]) is Trouble.EMPTIED
    place.folder.rmdir()
    away.rename(place.folder)
    put(place, made[2:], made[1])
    assert read_place(place.folder) == made


def test_what_it_lost_and_what_it_has_more_is_noticed(place: FolderPlace, made: list[Statement]) -> None:
    put(place, made[:2])
    file = place.folder / "torwart-gateway-2026-05-12.txt"
    whole = file.read_text("utf-8")
    file.write_text(whole[: whole.rindex("torwart statement")], "utf-8")
    assert trouble(place, made[2:], made[1]) is Trouble.LOST
    file.write_text(whole, "utf-8")
    assert trouble(place, made[1:2], made[0], newest=1) is Trouble.AHEAD
    assert trouble(place, made[:1], None, newest=1) is Trouble.AHEAD


def test_a_folder_that_cannot_be_written_says_why(place: FolderPlace, made: list[Statement]) -> None:
    (place.folder / "torwart-gateway-2026-05-12.txt").symlink_to("/dev/null")
    assert trouble(place, made[:1]) is Trouble.UNWRITABLE
    assert trouble(FolderPlace(place.folder / "torwart-gateway-2026-05-12.txt"), made) is Trouble.ABSENT


def test_a_torn_end_spoils_nothing_that_comes_after(place: FolderPlace, made: list[Statement]) -> None:
    file = place.folder / "torwart-gateway-2026-05-12.txt"
    put(place, made[:1])
    for torn in ("torwart statement 1\nsigner gate", "torwart statement 1\nsigner gateway\n", made[1].note()[:-30], made[1].text + "\n"):
        whole = file.read_text("utf-8")
        file.write_text(whole + torn, "utf-8")
        put(place, made[1:2], made[0])
        found = read_place(file)
        assert [one for one in found if not isinstance(one, StatementError) and one.signatures] == made[:2]
        assert all(isinstance(one, Statement) and one.text in (made[0].text, made[1].text) for one in found)
        file.write_text(whole, "utf-8")


def test_the_same_twice_is_read_as_it_is(place: FolderPlace, made: list[Statement]) -> None:
    put(place, made[:2])
    put(place, made[1:2], made[0])
    assert read_place(place.folder) == [*made[:2], made[1]]


def test_statements_are_read_from_a_saved_mail(tmp_path: Path, made: list[Statement]) -> None:
    message = EmailMessage()
    message["Subject"] = "Torwart"
    message.set_content("Bitte aufbewahren: über das Protokoll")
    message.add_attachment("\n".join(one.note() for one in made).encode(), maintype="text", subtype="plain", filename="torwart.txt")
    file = tmp_path / "mail.eml"
    file.write_bytes(message.as_bytes())
    assert read_place(file) == made
    file.write_text(made[0].note().replace("kind head", "kind hat"), "utf-8")
    (error,) = read_place(file)
    assert isinstance(error, StatementError)
