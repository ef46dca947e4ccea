"""The section `proxy`: what it refuses, and which places it may never open."""

from pathlib import Path

import pytest

from auth.config_file import ConfigError
from auth.installation import ELASTIC_URL
from gateway.forward.settings import OwnPlace, read_forward

CONFIG = """\
state: {folder}/state
torwart: {{url: http://torwart.localhost:8401, listen: 127.0.0.1:8401}}
crm: {{url: http://crm.localhost:8400, listen: 127.0.0.1:8400, upstream: http://127.0.0.1:8000}}
"""


def written(folder: Path, more: str) -> Path:
    config = folder / "torwart.yaml"
    config.write_text(CONFIG.format(folder=folder) + more, encoding="utf-8")
    return config


def test_without_its_section_there_is_no_proxy(tmp_path: Path) -> None:
    assert read_forward(written(tmp_path, "")) is None


def test_the_firm_s_own_services_are_places_that_it_never_opens(tmp_path: Path) -> None:
    forward = read_forward(written(tmp_path, "proxy: {}\nelastic: {url: https://elastic.firma.example:9200}\n"))
    assert forward is not None
    assert {
        OwnPlace("torwart.localhost", 8401),
        OwnPlace("crm.localhost", 8400),
        OwnPlace("127.0.0.1", 8000),
        OwnPlace("127.0.0.1", 8402),
        OwnPlace("elastic.firma.example", 9200),
    } <= set(forward.own)


def test_elasticsearch_is_one_of_them_also_when_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ELASTIC_URL, "http://127.0.0.1:9200, https://two.firma.example:9201")
    forward = read_forward(written(tmp_path, "proxy: {}\n"))
    assert forward is not None
    assert {OwnPlace("127.0.0.1", 9200), OwnPlace("two.firma.example", 9201)} <= set(forward.own)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("proxy: {listen: 0.0.0.0:8402, person: anna}", "loopback"),
        ("proxy: {allow: [localhost]}", "host:port"),
        ("proxy: {allow: ['cloud.localhost:99999']}", "host:port"),
        ("proxy: {bypass: ['*.bank.example']}", "host names"),
        ("proxy: {ports: []}", "port numbers"),
        ("proxy: {destinations: {x.example: fax}}", "cloud"),
        ("proxy: {upload_limit_bytes: 5}", "1048576"),
        ("proxy: {trusted: nowhere.pem}", "names no file"),
        ("proxy: {allways: []}", "allow"),
    ],
)
def test_a_faulty_section_is_refused_with_its_place_and_what_to_do(tmp_path: Path, section: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_forward(written(tmp_path, section + "\n"))
    assert says in str(refused.value)
    assert "torwart.yaml:4" in str(refused.value)
