"""X17: what the demo leaves behind is worth nothing elsewhere: its key, its tokens, its folder, its code."""

import tomllib
from pathlib import Path

import pytest

from auth.installation import ConfigError, is_demo, mark_demo
from auth.keys import refuse_demo
from auth.tables import Person
from deploy.demo.software_key import SoftwareKey
from tests.services.house import TORWART, Ceremonies

ROOT = Path(__file__).parents[2]


def test_the_software_key_is_in_no_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert "auth" in packages
    assert not [package for package in packages if package.startswith("deploy")]
    for package in packages:
        for source in (ROOT / package).rglob("*.py"):
            assert "software_key" not in source.read_text(encoding="utf-8"), source


def test_two_runs_never_share_a_key(ceremonies: Ceremonies, anna: Person, boris: Person) -> None:
    first, second = ceremonies.enrol(anna), ceremonies.enrol(boris)
    secrets = {stored["key"] for key in (first, second) for stored in key.to_json()}
    ids = {stored["id"] for key in (first, second) for stored in key.to_json()}
    assert len(secrets) == len(ids) == 2


def test_a_key_written_down_by_the_demo_goes_on_counting(ceremonies: Ceremonies, anna: Person) -> None:
    key = SoftwareKey.from_json(ceremonies.enrol(anna).to_json())
    options = ceremonies.keys.options(anna.id, b"c" * 32, 60)
    assert ceremonies.keys.verify_assertion(anna.id, b"c" * 32, key.get(options, TORWART)).person_id == anna.id


@pytest.mark.parametrize("used", [False, True])
def test_a_key_of_the_demo_and_the_permission_for_one_stop_the_start(ceremonies: Ceremonies, anna: Person, used: bool) -> None:
    token = ceremonies.keys.issue_token(anna.id, None, demo=True)
    if used:
        options, _ = ceremonies.keys.begin_registration(token)
        ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    with pytest.raises(ConfigError) as told:
        refuse_demo(ceremonies.house.engine)
    assert len(told.value.errors) == 1


def test_a_locked_key_of_the_demo_stops_the_start_too(ceremonies: Ceremonies, anna: Person) -> None:
    token = ceremonies.keys.issue_token(anna.id, None, demo=True)
    options, _ = ceremonies.keys.begin_registration(token)
    key = ceremonies.keys.complete_registration(token, SoftwareKey().create(options, TORWART))
    ceremonies.keys.lock(key.id, None)
    with pytest.raises(ConfigError):
        refuse_demo(ceremonies.house.engine)


def test_the_mark_of_a_demo_folder_counts_whatever_it_is(tmp_path: Path) -> None:
    mark_demo(tmp_path / "one")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "demo").symlink_to(tmp_path / "nowhere")
    (tmp_path / "three").mkdir()
    assert is_demo(tmp_path / "one")
    assert is_demo(tmp_path / "two")
    assert not is_demo(tmp_path / "three")
