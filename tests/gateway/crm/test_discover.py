"""Finding the profiles."""

import types
from pathlib import Path

import pytest

from gateway.crm import profiles
from gateway.crm.discover import ProfileError, all_profiles, load_profile
from gateway.settings import CrmSettings

SETTINGS = {"url": "http://crm.localhost:8400", "upstream": "http://127.0.0.1:8000"}


def test_tryton_is_the_one_profile_that_ships() -> None:
    assert set(all_profiles()) == {"tryton"}
    assert load_profile(CrmSettings(**SETTINGS)).name == "tryton"  # type: ignore[arg-type]


def test_a_profile_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(ProfileError, match=r"'nix' is not known; use one of: tryton"):
        load_profile(CrmSettings(**SETTINGS, profile="nix"))  # type: ignore[arg-type]


def test_settings_that_the_profile_cannot_use_are_said_so() -> None:
    with pytest.raises(ProfileError, match=r"crm\.database"):
        load_profile(CrmSettings(**SETTINGS, database="../x"))  # type: ignore[arg-type]


def test_two_profiles_of_one_name_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "twin.py").write_text('NAME = "tryton"\n\n\ndef profile(**settings):\n    return None\n', encoding="utf-8")
    assert isinstance(profiles, types.ModuleType)
    monkeypatch.setattr(profiles, "__path__", [*profiles.__path__, str(tmp_path)])
    with pytest.raises(ProfileError, match="two CRM profiles"):
        all_profiles()
