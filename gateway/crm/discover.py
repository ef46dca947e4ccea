"""Finds the CRM profiles: every file of `gateway/crm/profiles/` that has a NAME and a function `profile` is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from gateway.crm import profiles
from gateway.crm.profile import Profile
from gateway.settings import CrmSettings


class ProfileError(Exception):
    """The profiles or the settings for one are wrong; the text says what to do."""


def all_profiles() -> dict[str, Callable[..., Profile]]:
    """The makers of all profiles by name. Raises ProfileError if two have one name."""
    found: dict[str, Callable[..., Profile]] = {}
    for info in pkgutil.iter_modules(profiles.__path__):
        module: Any = importlib.import_module(f"{profiles.__name__}.{info.name}")
        name, make = getattr(module, "NAME", None), getattr(module, "profile", None)
        if not isinstance(name, str) or not callable(make):
            continue
        if name in found:
            raise ProfileError(f"two CRM profiles are named {name!r}: rename the one in {info.name}.py")
        found[name] = make
    return found


def load_profile(settings: CrmSettings) -> Profile:
    """The profile that the settings name. Raises ProfileError."""
    found = all_profiles()
    make = found.get(settings.profile)
    if make is None:
        raise ProfileError(f"crm.profile: {settings.profile!r} is not known; use one of: {', '.join(sorted(found))}")
    try:
        return make(database=settings.database, owner_field=settings.owner_field)
    except ValueError as error:
        raise ProfileError(str(error)) from error
