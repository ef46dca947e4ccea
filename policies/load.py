"""Loads rule files into a policy, or says everything that is wrong with them at once.

YAML is read into plain values that know where they stood, and nothing else: no tags, no anchors, no objects. It is built from
ruamel.yaml's events, so that a bomb of anchors, a deep nest or a duplicate key is found before anything is constructed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from policies.attributes import RECORD, Attributes
from policies.document import PolicyText
from policies.expression import compile_condition
from policies.problems import Document, Loc, Place, PolicyError, PolicyErrors, checked
from policies.rule import Policy, compiled
from policies.syntax import ExpressionError

__all__ = [
    "CASES",
    "PolicyErrors",
    "RulePlace",
    "load",
    "load_contents",
    "parse_document",
    "read_content",
    "read_contents",
    "read_document",
    "rule_files",
]

CASES = ".cases.yaml"
"""Ending of files with test cases: they lie beside the rules and are no rules."""
MAX_BYTES = 4_000_000
"""Of one file: a thousand rules are a tenth of it."""
MAX_DEPTH = 12
MAX_FILES = 500
"""Of rules in one folder."""
MAX_TOTAL_BYTES = 10 * MAX_BYTES
"""Of all files of a folder."""

_TOGETHER = "leave it out: all files of a folder are read together, in the order of their names"
_CASES_APART = "cases lie in a file of their own beside the rules, NAME.cases.yaml"
ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("include", "includes", "import", "imports", "extends"), _TOGETHER),
    **dict.fromkeys(("cases", "tables", "people", "situations"), _CASES_APART),
}
"""Keys that people try in a file of rules -> what to do instead. There are no includes, therefore none that go in a circle."""


class RulePlace(NamedTuple):
    """Where a rule's id stands."""

    file: str
    line: int
    column: int


def load(source: Path, version: str | None = None, places: dict[str, RulePlace] | None = None, record: Attributes = RECORD) -> Policy:
    """Load all rule files of a folder (or one file). `version` names the policy in decisions; None: a digest of the files.

    `places` is filled with where each rule stands, by its id. `record`: the attributes that `where` may ask for.

    Raises PolicyErrors with all errors of all files, sorted by file, line and column.
    """
    errors: list[PolicyError] = []
    contents = read_contents(rule_files(source), errors)
    if not contents and not errors:
        errors.append(PolicyError(source.name, 0, 0, "no rule file here", "rules lie in files that end in .yaml"))
    return _loaded(contents, version, errors, {} if places is None else places, record)


def load_contents(contents: Mapping[str, bytes], version: str) -> Policy:
    """Load rule files that were read already: name -> bytes. Raises PolicyErrors."""
    return _loaded(contents, version, [], {}, RECORD)


def _loaded(
    contents: Mapping[str, bytes], version: str | None, errors: list[PolicyError], seen: dict[str, RulePlace], record: Attributes
) -> Policy:
    texts: list[PolicyText] = []
    for name, content in contents.items():
        try:
            document = parse_document(content, name)
        except PolicyErrors as found:
            errors.extend(found.errors)
            continue
        found_here = _rules_errors(document, seen, record)
        text = checked(PolicyText, document, errors, ELSEWHERE)
        errors.extend(found_here)
        if text is not None:
            texts.append(text)
    if not errors and not any(text.rules for text in texts):
        first = next(iter(contents))
        errors.append(PolicyError(first, 1, 1, "no rule here: everything would be denied", "write at least one rule that allows"))
    if errors:
        raise PolicyErrors(errors)
    return compiled(texts, version or _digest(contents), record)


def rule_files(source: Path) -> list[Path]:
    """The rule files of a folder in the order of their names, or the one file itself. Raises PolicyErrors if it cannot be listed."""
    if not source.is_dir():
        return [source]
    try:
        files = sorted(path for path in source.iterdir() if path.name.endswith(".yaml") and not path.name.endswith(CASES))
    except OSError as error:
        raise PolicyErrors([_unreadable(source.name, error)]) from None
    if len(files) > MAX_FILES:
        raise PolicyErrors([PolicyError(source.name, 0, 0, f"more than {MAX_FILES} rule files", "put several rules into one file")])
    return files


def read_contents(files: Iterable[Path], errors: list[PolicyError]) -> dict[str, bytes]:
    """Name -> bytes; what cannot be read is added to `errors`."""
    contents: dict[str, bytes] = {}
    total = 0
    for path in files:
        try:
            contents[path.name] = read_content(path)
            total += len(contents[path.name])
            if total > MAX_TOTAL_BYTES:
                errors.append(PolicyError(path.name, 0, 0, f"all files are more than {MAX_TOTAL_BYTES:,} bytes", "take some away"))
                break
        except PolicyErrors as found:
            errors.extend(found.errors)
    return contents


def _digest(contents: Mapping[str, bytes]) -> str:
    """A short name for exactly these files."""
    total = hashlib.sha256()
    for name, content in contents.items():
        total.update(name.encode() + b"\0" + content + b"\0")
    return total.hexdigest()[:12]


def _rules_errors(document: Document, seen: dict[str, RulePlace], record: Attributes) -> list[PolicyError]:
    """What the models cannot know: ids given twice over all files, and the inside of conditions."""
    errors: list[PolicyError] = []
    rules = document.value.get("rules") if isinstance(document.value, dict) else None
    for place, rule in enumerate(rules if isinstance(rules, list) else ()):
        if not isinstance(rule, dict):
            continue
        name = rule.get("id")
        if isinstance(name, str):
            if name in seen:
                first = f"first at {seen[name].file}:{seen[name].line}"
                errors.append(document.error(("rules", place, "id"), f"the id {name!r} is given twice", first))
            else:
                at = document.at(("rules", place, "id"))
                seen[name] = RulePlace(document.file, at.line, at.column)
        for key, asks in (("when", None), ("where", record)):
            if isinstance(condition := rule.get(key), str) and condition:
                try:
                    compile_condition(condition, asks)
                except ExpressionError as error:
                    errors.append(document.error(("rules", place, key), f"{key}: {error.message}", error.hint, error.at))
    return errors


def read_document(path: Path) -> Document:
    """Read one file. Raises PolicyErrors with every fault of its form."""
    return parse_document(read_content(path), path.name)


def read_content(path: Path) -> bytes:
    """The bytes of one file, never more than MAX_BYTES and one. Raises PolicyErrors."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe that nobody writes would wait for ever
    except OSError as error:
        raise PolicyErrors([_unreadable(path.name, error)]) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PolicyErrors([PolicyError(path.name, 0, 0, "cannot be read: it is no ordinary file", "move it away")])
        with os.fdopen(os.dup(handle), "rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise PolicyErrors([_unreadable(path.name, error)]) from None
    finally:
        os.close(handle)


def _unreadable(name: str, error: OSError) -> PolicyError:
    hints = {errno.EACCES: "give the user that Torwart runs as the right to read it", errno.ELOOP: "a link leads to itself: remove it"}
    hint = hints.get(error.errno or 0, "check that it exists and may be read")
    return PolicyError(name, 0, 0, f"cannot be read: {error.strerror}", hint)


def parse_document(content: bytes, file: str) -> Document:
    """Parse the bytes of one file. Raises PolicyErrors."""
    if len(content) > MAX_BYTES:
        raise PolicyErrors([PolicyError(file, 0, 0, f"larger than {MAX_BYTES:,} bytes", "split it into several files")])
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PolicyErrors([PolicyError(file, line, 1, "not UTF-8", "save the file as UTF-8")]) from None
    builder = _Builder(file)
    try:
        builder.read(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        hint = "indent with blanks" if "\t" in text else ""
        builder.errors.append(PolicyError(file, line, column, f"not YAML: {error.problem or error.context}", hint))
    except YAMLError:
        builder.errors.append(PolicyError(file, 1, 1, "not YAML: it holds a character that no text holds", "save the file as plain text"))
    except (ValueError, RecursionError):
        builder.errors.append(PolicyError(file, 1, 1, "not YAML", ""))
    if builder.errors:
        raise PolicyErrors(builder.errors)
    return Document(file, builder.value, builder.values, builder.keys)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end was not read yet."""

    value: dict[str, Any] | list[Any]
    loc: Loc
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    file: str
    value: Any = None
    values: dict[Loc, Place] = field(default_factory=dict)
    keys: dict[Loc, Place] = field(default_factory=dict)
    errors: list[PolicyError] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _documents: int = 0

    def read(self, events: Iterator[Event]) -> None:
        for event in events:
            match event:
                case DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        self._fault(event, "a second document starts here", "put it into a file of its own")
                        return
                case AliasEvent():
                    self._fault(event, "an alias (*) is not allowed", "write it out")
                    return
                case ScalarEvent():
                    self._scalar(event)
                case MappingStartEvent():
                    self._start(event, {})
                case SequenceStartEvent():
                    self._start(event, [])
                case MappingEndEvent() | SequenceEndEvent():
                    self._stack.pop()
            if len(self._stack) > MAX_DEPTH:
                self._fault(event, f"nested deeper than {MAX_DEPTH}", "a rule needs four levels")
                return

    def _scalar(self, event: ScalarEvent) -> None:
        self._check(event)
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(event, top)
            return
        value = _resolved(event.value) if event.style is None and event.tag is None else event.value
        self._put(event, value, _inset(event))

    def _key(self, event: ScalarEvent, top: _Open) -> None:
        top.key = event.value
        loc = (*top.loc, top.key)
        if loc in self.keys:
            self._fault(event, f"{top.key!r} is given twice", f"first on line {self.keys[loc].line}")
        else:
            self.keys[loc] = Place(event.start_mark.line + 1, event.start_mark.column + 1)

    def _start(self, event: MappingStartEvent | SequenceStartEvent, value: dict[str, Any] | list[Any]) -> None:
        self._check(event)
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._fault(event, "a key is a word", "")
            top.key = ""
        self._stack.append(_Open(value, self._put(event, value)))

    def _put(self, event: Event, value: Any, inset: int | None = None) -> Loc:
        """Hang a value into what is open; its place."""
        loc: Loc = ()
        if not self._stack:
            self.value = value
        elif isinstance(top := self._stack[-1], _Open) and isinstance(top.value, list):
            loc = (*top.loc, len(top.value))
            top.value.append(value)
        else:
            loc = (*top.loc, top.key or "")
            top.value[top.key or ""] = value
            top.key = None
        self.values[loc] = Place(event.start_mark.line + 1, event.start_mark.column + 1, inset)
        return loc

    def _check(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.anchor is not None:
            self._fault(event, "an anchor (&) is not allowed", "write it out")
        if event.tag is not None:
            self._fault(event, "a tag (!) is not allowed", "values are texts, numbers, true, false and lists")

    def _fault(self, event: Event, message: str, hint: str) -> None:
        mark = event.start_mark
        self.errors.append(PolicyError(self.file, mark.line + 1, mark.column + 1, message, hint))


def _inset(event: ScalarEvent) -> int | None:
    """See `Place.inset`: a plain text starts at once, a quoted one after its quote, unless escapes or folding moved its characters."""
    one_line = event.start_mark.line == event.end_mark.line
    quotes = 0 if event.style is None else 1
    as_it_is = event.end_mark.column - event.start_mark.column == len(event.value) + 2 * quotes
    return quotes if one_line and as_it_is and event.style in (None, "'", '"') else None


_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")


def _resolved(text: str) -> Any:
    """A plain word by the core schema of YAML 1.2, without its octals, infinities and exponents: `no` and `on` stay words."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
