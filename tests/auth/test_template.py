"""The file that `torwart init` writes."""

from pathlib import Path

from audit_store.retention import DEFAULT_DAYS
from auth.installation import load_installation, template


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_file_that_init_writes_can_be_used_as_it_is(tmp_path: Path) -> None:
    installation, sections = load_installation(_file(tmp_path, template()))
    assert installation.origin == "http://torwart.localhost:8401"
    assert installation.rp_id == "torwart.localhost"
    assert installation.crm_origin == "http://crm.localhost:8400"
    assert installation.state == tmp_path / "state"
    assert (installation.language, installation.names) == ("de", "shown")
    assert sections["crm"]["upstream"] == "http://127.0.0.1:8000"


def test_the_template_with_its_comments_opened_is_known_too(tmp_path: Path) -> None:
    opened = template().replace("\n#   ", "\n  ")
    opened = opened.replace("\n# machine:", "\nmachine:")
    for section in (
        "database",
        "record",
        "retention",
        "sessions",
        "keys",
        "sole_reviewer",
        "privacy",
        "proxy",
        "mail",
        "webhook",
        "elastic",
    ):
        opened = opened.replace(f"\n# {section}:", f"\n{section}:")
    installation, sections = load_installation(_file(tmp_path, opened))
    assert (installation.machine, installation.producer("gateway")) == ("nord", "gateway-nord")
    assert installation.server is not None
    assert installation.server.password_file == tmp_path / "database.password"
    assert (installation.sessions.idle_minutes, installation.sessions.hours) == (60, 8)
    assert sections["sessions"] == {"idle_minutes": 60, "hours": 8}
    assert installation.retention.days == dict(DEFAULT_DAYS)
    assert (installation.privacy.officer, installation.privacy.reveal_hours) == ("datenschutz@firma.example", 24)
    assert installation.sole_reviewer is not None
    assert installation.sole_reviewer.delay_hours == 24
    assert sections["mail"]["port"] == 587
    assert sections["mail"]["password_file"] == str(tmp_path / "mail.password")
    assert sections["proxy"]["destinations"] == {"speicher.example": "cloud"}
    assert sections["webhook"]["url"].startswith("https://")
    assert sections["elastic"]["reader_password_file"] == str(tmp_path / "elastic-reader.password")
