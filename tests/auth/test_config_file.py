"""A configuration file whose faults are told with their lines."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from auth.installation import ConfigError, load_installation

GOOD = """\
state: state
torwart:
  url: http://torwart.localhost:8401
crm:
  url: http://crm.localhost:8400
  upstream: http://127.0.0.1:8000
"""


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"- a\n- b\n",
        b"just text",
        b"state: [1\n",
        b"a: 1\na: 2\n",
        b"state: \xff\n",
        b"\tstate: x\n",
        b"state: *nothing\n",
        b"!!python/object:os.system x\n",
    ],
)
def test_a_file_of_another_shape_is_refused_with_its_line(tmp_path: Path, text: bytes) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        load_installation(path)
    fault = told.value.errors[0].removeprefix(f"{path}:")
    assert fault.split(":")[0].isdigit()


class _Mail(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str
    port: int


def test_a_section_is_parsed_by_its_owner_with_lines_and_hints(tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD + "mail:\n  hots: x\n  port: many\n")
    _, sections = load_installation(path)
    with pytest.raises(ConfigError) as told:
        sections.parse("mail", _Mail)
    places = [error.removeprefix(f"{path}:") for error in told.value.errors]
    assert places[0].startswith("7: mail.host is missing")
    assert places[1].startswith("8: mail.hots is not known — did you mean host?")
    assert places[2].startswith("9: mail.port")


def test_a_section_without_faults_becomes_its_model(tmp_path: Path) -> None:
    _, sections = load_installation(_file(tmp_path, GOOD + "mail: {host: smtp.localhost, port: 25}\n"))
    assert sections.parse("mail", _Mail) == _Mail(host="smtp.localhost", port=25)
