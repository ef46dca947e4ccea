"""The section `elastic:` and its address in the environment."""

from pathlib import Path

import pytest

from audit_store.elastic_install import Retention
from auth.config_file import ConfigError, Sections
from auth.installation import load_installation
from console.settings import ElasticSettings, elastic_settings
from console.shipping import reader_access, retention_of, writer_access

GOOD = "state: state\ntorwart:\n  url: http://torwart.localhost:8401\ncrm:\n  url: http://crm.localhost:8400\n  upstream: http://127.0.0.1:8000\n"
FULL = """\
elastic:
  url: https://elastic.firma.example
  user: writer
  password_file: writer.password
  reader_user: reader
  reader_password_file: reader.password
  ca: ca.pem
"""


def sections(tmp_path: Path, text: str) -> Sections:
    path = tmp_path / "torwart.yaml"
    path.write_text(GOOD + text)
    return load_installation(path)[1]


def elastic(tmp_path: Path, text: str, url: str | None = None, **environment: str) -> ElasticSettings:
    found = elastic_settings(sections(tmp_path, text), environment | ({} if url is None else {"TORWART_ELASTIC_URL": url}))
    assert found is not None
    return found


def secret(tmp_path: Path, name: str, text: str = "word\n", mode: int = 0o600) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / name).chmod(mode)


def test_without_section_and_environment_there_is_no_elasticsearch(tmp_path: Path) -> None:
    assert elastic_settings(sections(tmp_path, ""), {}) is None
    assert elastic_settings(sections(tmp_path, ""), {"TORWART_ELASTIC_URL": " "}) is None


def test_the_environment_alone_is_enough_for_a_server_on_this_machine(tmp_path: Path) -> None:
    found = elastic(tmp_path, "", "http://127.0.0.1:9200")
    assert found.url == ("http://127.0.0.1:9200",)
    assert writer_access(found).user is None
    assert reader_access(found) == writer_access(found), "who asks nobody for a name asks no reader either"


def test_the_environment_takes_the_place_of_the_address_and_of_nothing_else(tmp_path: Path) -> None:
    secret(tmp_path, "writer.password")
    found = elastic(tmp_path, FULL, "https://a.example:9200, https://b.example:9201/path/")
    assert found.url == ("https://a.example:9200", "https://b.example:9201/path")
    access = writer_access(found)
    assert (access.user, access.password, access.ca) == ("writer", "word", tmp_path / "ca.pem")
    assert "word" not in repr(access)


def test_reading_has_an_identity_of_its_own_and_never_the_writers(tmp_path: Path) -> None:
    secret(tmp_path, "reader.password", "other")
    reading = reader_access(elastic(tmp_path, FULL))
    assert reading is not None
    assert (reading.user, reading.password) == ("reader", "other")
    alone = elastic(tmp_path, "elastic:\n  url: https://a.example\n  user: w\n  password_file: writer.password\n")
    assert reader_access(alone) is None


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://elastic.firma.example", "https://elastic.firma.example:443"),
        ("http://localhost:9200", "http://localhost:9200"),
        ("http://[::1]:9200", "http://[::1]:9200"),
    ],
)
def test_an_address_has_one_spelling(tmp_path: Path, url: str, kept: str) -> None:
    assert elastic(tmp_path, "", url).url == (kept,)


@pytest.mark.parametrize(
    "url",
    [
        "http://elastic.firma.example:9200",
        "http://10.0.0.5:9200",
        "http://localhost.firma.example:9200",
        "https://user:word@elastic.firma.example",
        "ftp://127.0.0.1",
        "elastic.firma.example:9200",
        "https://",
        "https://elastic:99999",
        "https://elastic/?a=b",
    ],
)
def test_an_address_that_is_unsafe_or_none_is_refused_with_its_line(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        elastic(tmp_path, f"elastic:\n  url: {url}\n")
    (fault,) = refused.value.errors
    assert "torwart.yaml:8: elastic.url: must be" in fault


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ("user: a", "user and password_file belong together"),
        ("password_file: a", "user and password_file belong together"),
        ("reader_user: a", "reader_user and reader_password_file belong together"),
        ("user: a\n  password_file: b\n  api_key_file: c", "two identities"),
        ("certificate: a", "certificate and key belong together"),
        ("reader_user: a\n  reader_password_file: b", "a reader without a writer"),
        ("pasword_file: a", "is not known — did you mean password_file?"),
        ("password: a", "must not stand here — put it alone into a file .password_file., or into TORWART_ELASTIC_PASSWORD"),
        ("reader_api_key: a", "must not stand here .* TORWART_ELASTIC_READER_API_KEY"),
        ("reader_certificate: a", "reader_certificate and reader_key belong together"),
        ("retention_days: 0", "greater than or equal to 1"),
    ],
)
def test_half_an_identity_is_refused(tmp_path: Path, members: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        elastic(tmp_path, f"elastic:\n  url: https://a.example\n  {members}\n")


def test_secrets_may_stand_in_the_environment_instead_of_files(tmp_path: Path) -> None:
    found = elastic(
        tmp_path,
        "elastic:\n  url: https://a.example\n  user: writer\n",
        TORWART_ELASTIC_PASSWORD="word",
        TORWART_ELASTIC_READER_API_KEY="aWQ6a2V5",
    )
    reading, writing = reader_access(found), writer_access(found)
    assert (writing.user, writing.password, writing.api_key) == ("writer", "word", None)
    assert reading is not None
    assert (reading.user, reading.password, reading.api_key) == (None, None, "aWQ6a2V5")
    assert not any(secret in repr((found, reading, writing)) for secret in ("word'", "aWQ6a2V5"))


def test_a_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="stands in a file and in the environment: keep one"):
        elastic(tmp_path, FULL, TORWART_ELASTIC_PASSWORD="word")


def test_a_certificate_alone_is_a_log_in_and_the_reader_shows_its_own(tmp_path: Path) -> None:
    own = "elastic:\n  url: https://a.example\n  certificate: w.pem\n  key: w.key\n"
    assert reader_access(elastic(tmp_path, own)) is None
    reading = reader_access(elastic(tmp_path, own + "  reader_certificate: r.pem\n  reader_key: r.key\n"))
    assert reading is not None
    assert (reading.certificate, reading.key) == (tmp_path / "r.pem", tmp_path / "r.key")
    assert writer_access(elastic(tmp_path, own)).certificate == tmp_path / "w.pem"


def test_each_stream_has_a_retention_of_its_own(tmp_path: Path) -> None:
    found = elastic(tmp_path, FULL + "  retention_days: 400\n  dead_letter_retention_days: 30\n")
    assert retention_of(found) == Retention(400, 30)
    assert retention_of(elastic(tmp_path, FULL)) == Retention(None, None)


def test_a_section_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="elastic must be a section"):
        sections(tmp_path, "elastic: yes\n")


@pytest.mark.parametrize(("text", "mode", "says"), [("", 0o600, "holds no secret"), ("a\nb", 0o600, "one line"), ("a", 0o644, "chmod 600")])
def test_a_password_file_that_is_empty_or_open_to_others_is_refused(tmp_path: Path, text: str, mode: int, says: str) -> None:
    secret(tmp_path, "writer.password", text, mode)
    with pytest.raises(ConfigError, match=says):
        writer_access(elastic(tmp_path, FULL))


def test_a_password_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"writer\.password: cannot be read"):
        writer_access(elastic(tmp_path, FULL))
