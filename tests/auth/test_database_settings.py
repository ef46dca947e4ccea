"""The section `database`: what is refused, and what the driver is given."""

from pathlib import Path

import pytest

from auth.config_file import ConfigError
from auth.installation import load_installation, template


def _file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_text(template() + text)
    return path


def test_without_it_everything_is_in_files(tmp_path: Path) -> None:
    installation, _ = load_installation(_file(tmp_path, ""))
    assert (installation.database, installation.log) == (tmp_path / "state" / "torwart.db", tmp_path / "state" / "log")
    assert installation.spool("gateway") == tmp_path / "state" / "spool" / "gateway"


def test_a_server_elsewhere_is_asked_for_a_certificate_that_is_checked(tmp_path: Path) -> None:
    section = "machine: nord\ndatabase:\n  url: postgresql+psycopg://torwart@db.firma.example/torwart\n  ca: ca.pem\n"
    installation, _ = load_installation(_file(tmp_path, section))
    assert installation.server is not None
    assert "sslmode=verify-full" in installation.server.url
    assert "ca.pem" in installation.server.url
    assert installation.log is installation.server
    assert installation.spool("gateway") == tmp_path / "state" / "spool" / "gateway-nord"


def test_an_address_alone_is_enough_for_a_server_on_this_machine(tmp_path: Path) -> None:
    url = "postgresql+psycopg://torwart@/torwart?host=/run/postgresql"
    installation, _ = load_installation(_file(tmp_path, f"machine: nord\ndatabase: {url}\n"))
    assert installation.server is not None
    assert "sslmode" not in installation.server.url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg://torwart:secret@db.firma.example/torwart", "must not hold a password"),
        ("postgresql://torwart@db.firma.example/torwart", "must be an address such as"),
        ("sqlite:///torwart.db", "must be an address such as"),
        ("postgresql+psycopg://db.firma.example/torwart", "must be an address such as"),
        ("postgresql+psycopg://torwart@db.firma.example", "must be an address such as"),
        ("postgresql+psycopg://torwart@db.firma.example/torwart?sslmode=disable", "must use TLS"),
        ("postgresql+psycopg://torwart@db.firma.example/torwart?sslmode=require", "must use TLS"),
        ("postgresql+psycopg://torwart@/torwart?host=db.firma.example&sslmode=prefer", "must use TLS"),
        ("postgresql+psycopg://torwart@localhost/torwart?host=db.firma.example&sslmode=disable", "must use TLS"),
        ("postgresql+psycopg://torwart@localhost/torwart?options=-cfsync%3Doff", "not known here: options"),
        ("no address", "must be an address such as"),
    ],
)
def test_what_is_no_safe_address_is_refused(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        load_installation(_file(tmp_path, f"machine: nord\ndatabase: {url}\n"))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "said"), [("", "machine is missing"), ("machine: North-1\n", "lower-case letters"), ("machine: 7\n", "lower-case")]
)
def test_a_machine_among_others_has_a_name(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_installation(_file(tmp_path, f"{name}database: postgresql+psycopg://torwart@localhost/torwart\n"))


def test_a_password_is_in_a_file_or_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = "machine: nord\ndatabase:\n  url: postgresql+psycopg://torwart@localhost/torwart\n  password_file: secret\n"
    (tmp_path / "secret").write_text("of the file\n")
    installation, _ = load_installation(_file(tmp_path, section))
    assert installation.server is not None
    assert installation.server.password() == "of the file"
    monkeypatch.setenv("TORWART_DATABASE_PASSWORD", "of the environment")
    installation, _ = load_installation(_file(tmp_path, section.replace("  password_file: secret\n", "")))
    assert installation.server is not None
    assert installation.server.password() == "of the environment"
