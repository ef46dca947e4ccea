"""The section `outside:` of the settings, and what is made of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from audit_store.outside import NotWitnessedError
from audit_store.outside_folder import FolderPlace
from audit_store.statements import StatementsError
from auth.installation import ConfigError, Installation, load_installation
from auth.outside import open_spool
from auth.outside_mail import MailPlace
from tests.audit_store.test_witnessed import EXPORT

BASE = """\
state: state
torwart:
  url: http://torwart.localhost:8401
crm:
  url: http://crm.localhost:8400
  upstream: http://127.0.0.1:8000
"""
MAIL = "mail:\n  host: smtp.firma.example\n  sender: torwart@firma.example\n  recipients: [leitung@firma.example]\n"


def installation(folder: Path, more: str) -> Installation:
    path = folder / "torwart.yaml"
    path.write_text(BASE + more, encoding="utf-8")
    return load_installation(path)[0]


def faults(folder: Path, more: str) -> str:
    with pytest.raises(ConfigError) as told:
        installation(folder, more)
    (fault,) = told.value.errors
    return fault.removeprefix(f"{folder / 'torwart.yaml'}:")


def test_without_the_section_there_are_no_places(tmp_path: Path) -> None:
    assert installation(tmp_path, "").outside.places("http://torwart.localhost:8401") == []


def test_folders_come_first_and_start_at_the_file(tmp_path: Path) -> None:
    found = installation(tmp_path, f"{MAIL}outside:\n  folders: [outside, /mnt/b]\n  mail: chefin@firma.example\n  mail_every_hours: 12\n")
    first, second, third = found.outside.places(found.torwart_url)
    assert isinstance(first, FolderPlace)
    assert isinstance(second, FolderPlace)
    assert isinstance(third, MailPlace)
    assert (first.folder, second.folder) == (tmp_path / "outside", Path("/mnt/b"))
    assert (third.name, third.every) == ("mail chefin@firma.example", timedelta(hours=12))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("outside: yes\n", "7: outside must be a section with members of its own"),
        ("outside:\n  folder: x\n", "8: outside.folder is not known — did you mean folders?"),
        ("outside:\n  folders: state/away\n", "lie in each other"),
        ("outside:\n  folders: .\n", "lie in each other"),
        ("outside:\n  mail: a@firma.example\n", "8: outside.mail needs the section mail"),
        ("outside:\n  key: 7F3A\n", "8: outside.key: must be a fingerprint such as 7F3A-91C2-D4E5-F607-18A9"),
        ("outside:\n  alarm_after_minutes: 0\n", "outside.alarm_after_minutes"),
    ],
)
def test_faults_say_where_and_what_to_do(tmp_path: Path, more: str, words: str) -> None:
    assert words in faults(tmp_path, more)


def test_the_record_of_a_process_waits_for_the_places_of_its_installation(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    spool = open_spool(installation(tmp_path, "outside:\n  folders: outside\n"), "cli")
    spool.append(EXPORT)
    assert [path.name.split("-")[1] for path in (tmp_path / "outside").iterdir()] == ["cli"]
    (tmp_path / "outside").rename(tmp_path / "away")
    with pytest.raises(NotWitnessedError, match="mount it"):
        spool.append(EXPORT)
    spool.close()
    (tmp_path / "state" / "keys" / "checkpoint.key").unlink()
    with pytest.raises(StatementsError, match="is missing"):
        open_spool(installation(tmp_path, ""), "cli")
