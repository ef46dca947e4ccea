"""A configuration file with the lines of its members: whatever is wrong is said at once, with its place and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

_MAX_BYTES = 1024 * 1024


class ConfigError(Exception):
    """The installation cannot be used as it is. `errors`: every fault as one line that says where it is and what to do."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Sections(dict[str, Any]):
    """The sections as they were written, and where."""

    def __init__(self, path: Path, data: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        super().__init__(data)
        self.path = path
        self.lines = lines
        """Line of each section."""

    def parse[M: BaseModel](self, name: str, model: type[M]) -> M:
        """A section as the model of the process that it belongs to. Raises ConfigError with all faults of the section."""
        section = self.get(name)
        try:
            return model.model_validate(dict(section) if isinstance(section, Mapping) else {})
        except ValidationError as error:
            faults = [self._fault(name, model, fault) for fault in error.errors(include_url=False, include_input=False)]
            raise ConfigError(sorted(set(faults), key=_place)) from None

    def line(self, name: str, member: str | None = None) -> int:
        """The line on which a section or a member of it stands; the section's if the member is missing, 1 if both are."""
        place = _line_of(self.get(name), member) if member is not None else None
        if place is None:
            place = self.lines.get(name, 1)
        return place

    def _fault(self, name: str, model: type[BaseModel], fault: Any) -> str:
        member = str(fault["loc"][0]) if fault["loc"] else None
        where = f"{self.path}:{self.line(name, member)}: {name}" + (f".{member}" if member else "")
        match fault["type"]:
            case "extra_forbidden":
                return f"{where} is not known{meant(member or '', model.model_fields)}"
            case "missing":
                return f"{where} is missing — add it"
        return f"{where}: {in_words(fault['msg'])}"


def read_config(path: Path, *, hint: str = "`torwart init` writes one") -> Sections:
    """Read a YAML file. Raises ConfigError when it is not one; `hint` says what to do when there is none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}) — {hint}"]) from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError([f"{path}: larger than 1 MiB — this is no configuration file of Torwart"])
    try:
        data = YAML(typ="rt").load(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}:{raw[: error.start].count(b'\n') + 1}: not UTF-8 — save the file as UTF-8"]) from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError([f"{path}:{line}: {error.problem or 'unreadable'} — check indentation and quotes near this line"]) from error
    except YAMLError as error:
        raise ConfigError([f"{path}:1: unreadable — check indentation and quotes"]) from error
    if not isinstance(data, Mapping):
        raise ConfigError([f"{path}:1: the file must name its settings as `name: value` — `torwart init` writes an example"])
    return Sections(path, data, {str(name): line for name in data if (line := _line_of(data, name)) is not None})


class Faults:
    """Gathers what is wrong with a file, to be told at once."""

    def __init__(self, sections: Sections) -> None:
        self.sections = sections
        self._found: list[str] = []

    def add(self, text: str, section: str, member: str | None = None) -> None:
        self._found.append(f"{self.sections.path}:{self.sections.line(section, member)}: {text}")

    def text(self, section: str, what: str) -> str:
        value = self.sections.get(section)
        if not isinstance(value, str) or not value.strip():
            self.add(f"{what} is missing — name the folder, for example `{section}: state`", section)
            return ""
        return value

    def one_of(self, section: str, allowed: tuple[str, ...]) -> str:
        value = self.sections.get(section, allowed[0])
        if value not in allowed:
            self.add(f"{section} must be one of: {', '.join(allowed)}", section)
        return str(value)

    def raise_all(self) -> None:
        if self._found:
            raise ConfigError(sorted(self._found, key=_place))


def _line_of(mapping: Any, member: str) -> int | None:
    place = getattr(mapping, "lc", None)
    if place is None or not place.data or member not in place.data:
        return None
    return int(place.data[member][0]) + 1


def meant(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that it resembles, else all."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1)
    return f" — did you mean {close[0]}?" if close else f" — known are: {', '.join(known)}"


def in_words(message: str) -> str:
    """What pydantic says of a value, without the class of the exception that it puts before our words."""
    return message.removeprefix("Value error, ")


def _place(fault: str) -> tuple[int, str]:
    """Sorts by line: the file is the same in all."""
    found = re.search(r":(\d+): ", fault)
    return (int(found[1]) if found else 0, fault)
