"""Test cases that lie beside the rules: what is given, what is expected. Whoever changes a number writes the case for it.

A case asks one act. A table asks every action there is for one situation: what the table does not name must be denied. Both are judged
as the gateway judges them: first what stays clear, then the decision with the counters as they would be after the act.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from policies.attributes import COUNTERS, ResourceType
from policies.decision import Allow, Challenge, Decision, Deny
from policies.document import MaskText, Word, written_mask
from policies.engine import decide, sight
from policies.load import CASES, read_document
from policies.problems import Document, PolicyError, PolicyErrors, checked
from policies.reasons import REASONS
from policies.request import AccessRequest, Action, ClientId, Context, Counts, Finding, KeyProof, Principal, Resource, Status, Usage
from policies.rule import Policy

CLOCK = datetime(2026, 5, 12, 9, 0, tzinfo=UTC)
"""The time at which all cases happen."""

type Verdict = Literal["allow", "challenge", "deny"]
type Number = Annotated[int, Field(ge=0, le=100_000)]


class _Text(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TouchText(_Text):
    """A touch of the key over the first own and others' clients."""

    own: Number = 0
    others: Number = 0
    fields: frozenset[str] | None = None
    """None: the fields of the act."""
    verified: bool = True
    """With PIN or biometry."""


def _counters(numbers: dict[str, int]) -> dict[str, int]:
    for name in numbers:
        if name not in COUNTERS:
            raise ValueError(f"{name!r} is not a counter; one of " + ", ".join(sorted(COUNTERS)))
    return numbers


class GivenText(_Text):
    """A situation. Without `own` and `others` the answer is not there yet: only the question is judged."""

    roles: Annotated[frozenset[Word], Field(min_length=1)]
    status: Status = Status.ACTIVE
    frozen: bool = False
    action: Action | None = None
    resource: ResourceType = ResourceType.CLIENT
    own: Number | None = None
    others: Number | None = None
    fields: frozenset[str] = frozenset({"name", "phone"})
    contact: frozenset[str] = frozenset({"phone", "email"})
    """Names of fields that carry contact values."""
    questioned: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    written_masks: frozenset[str] = frozenset()
    """Those of `written` that bring back a mask."""
    other_site: bool = False
    base: Annotated[int, Field(gt=0)] = 3000
    book: Number = 480
    today: dict[str, Number] = Field(default_factory=dict)
    """Counters before the act. Afterwards they are as the act makes them."""
    after: dict[str, Number] = Field(default_factory=dict)
    """Counters after the act that differ from that."""
    touch: TouchText | None = None
    unread: str | None = None
    """Why a part of the content could not be inspected, for example `encrypted`."""

    _known = field_validator("today", "after")(_counters)


class ExpectText(_Text):
    """What must come out; what is left out may be anything."""

    decision: Verdict
    reasons: list[str] | None = None
    asked: Number | None = None
    allowed: Number | None = None
    kept: Number | Literal["all"] | None = None
    masks: dict[Word, MaskText] | None = None
    masked: Number | None = None

    @field_validator("reasons")
    @classmethod
    def _known(cls, codes: list[str] | None) -> list[str] | None:
        for code in codes or ():
            if code not in REASONS:
                raise ValueError(f"{code!r} is not a reason")
        return codes


class CaseText(_Text):
    """One act with its expected decision."""

    name: Annotated[str, Field(min_length=1)]
    given: GivenText
    expect: ExpectText

    @field_validator("given")
    @classmethod
    def _asks(cls, given: GivenText) -> GivenText:
        if given.action is None:
            raise ValueError("a case names its action")
        return given


class TableText(_Text):
    """One situation with the decision on every action; an action that is not named expects deny."""

    name: Annotated[str, Field(min_length=1)]
    given: GivenText
    expect: dict[Action, Verdict]


class CasesText(_Text):
    """One file of cases."""

    cases: list[CaseText] = Field(default_factory=list)
    tables: list[TableText] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Result:
    """A case that was run. `wrong` says in words what differed; empty: green."""

    file: str
    line: int
    name: str
    action: Action
    decision: Decision
    wrong: tuple[str, ...] = ()

    @property
    def green(self) -> bool:
        """Everything was as expected."""
        return not self.wrong


def load_cases(source: Path) -> list[tuple[Document, CasesText]]:
    """The case files of a folder, or those beside one rule file. Raises PolicyErrors."""
    errors: list[PolicyError] = []
    found: list[tuple[Document, CasesText]] = []
    for path in case_files(source):
        try:
            document = read_document(path)
        except PolicyErrors as error:
            errors.extend(error.errors)
            continue
        text = checked(CasesText, document, errors)
        if text is not None:
            found.append((document, text))
    if errors:
        raise PolicyErrors(errors)
    return found


def case_files(source: Path) -> list[Path]:
    """Files with cases that belong to a folder of rules or to one rule file."""
    if source.is_dir():
        return sorted(source.glob("*" + CASES))
    beside = source.with_name(source.name.removesuffix(".yaml") + CASES)
    return [beside] if beside.exists() else []


def run_cases(source: Path, policy: Policy) -> list[Result]:
    """Run all cases beside the rules. Raises PolicyErrors for a case file that cannot be read."""
    results: list[Result] = []
    for document, text in load_cases(source):
        for place, case in enumerate(text.cases):
            line = document.at(("cases", place)).line
            decision = judge(case.given, case.given.action or Action.READ, policy)
            wrong = _differences(case.expect, decision)
            results.append(Result(document.file, line, case.name, case.given.action or Action.READ, decision, wrong))
        for place, table in enumerate(text.tables):
            line = document.at(("tables", place)).line
            results.extend(_table(document.file, line, table, policy))
    return results


def _table(file: str, line: int, table: TableText, policy: Policy) -> list[Result]:
    results = []
    for action in Action:
        decision = judge(table.given, action, policy)
        wrong = _differences(ExpectText(decision=table.expect.get(action, "deny")), decision)
        results.append(Result(file, line, table.name, action, decision, wrong))
    return results


def judge(given: GivenText, action: Action, policy: Policy) -> Decision:
    """The decision on a situation, asked in the two steps of the gateway."""
    request = _request(given, action)
    resource = request.resource
    clear: frozenset[ClientId] = frozenset()
    if resource.contact_fields & resource.fields:
        clear = frozenset(resource.ids or ()) - sight(request, policy).masked
    resource = replace(resource, clear_contact_ids=clear)
    usage = replace(request.usage, after=_after(given, len(clear)))
    return decide(replace(request, resource=resource, usage=usage), policy)


def _request(given: GivenText, action: Action) -> AccessRequest:
    known = given.own is not None or given.others is not None
    own, others = _clients(given.own or 0, given.others or 0)
    touch = given.touch
    resource = Resource(
        type=given.resource.value,
        ids=own + others if known else None,
        own=frozenset(own),
        fields=given.fields,
        contact_fields=(given.fields | given.written) & given.contact,
        questioned_fields=given.questioned,
        questioned_contact_fields=given.questioned & given.contact,
        written_fields=given.written,
        mask_written_fields=given.written_masks,
    )
    proof = None
    if touch is not None:
        ids = sum(_clients(touch.own, touch.others), ())
        signed = given.fields if touch.fields is None else touch.fields
        proof = KeyProof("grant", "digest", CLOCK, touch.verified, frozenset(ids), signed)
    return AccessRequest(
        act_id="case",
        principal=Principal("person", "P-00000000", given.roles, given.status, given.frozen),
        action=action,
        resource=resource,
        context=Context(at=CLOCK, origin_trusted=not given.other_site),
        usage=Usage(before=_counts(given.today), after=_counts(given.today), base=given.base, book=given.book),
        findings=(Finding("uninspectable", given.unread, 0, 1.0, "case"),) if given.unread else (),
        proof=proof,
    )


def _clients(own: int, others: int) -> tuple[tuple[ClientId, ...], tuple[ClientId, ...]]:
    return tuple(f"own-{n}" for n in range(own)), tuple(f"other-{n}" for n in range(others))


def _after(given: GivenText, clear: int) -> Counts:
    """The counters after the act, as if all of its clients were new to the person."""
    others = given.others or 0
    asked = (given.own or 0) + others
    # Clients in content that goes out are not shown to anybody by that.
    added = {"sent": asked} if given.resource is ResourceType.CONTENT else {"shown": asked, "foreign": others, "taken": clear}
    values = {field.name: given.today.get(field.name, 0) + added.get(field.name.partition("_")[0], 0) for field in fields(Counts)}
    return _counts(values | given.after)


def _counts(numbers: dict[str, int]) -> Counts:
    return Counts(**numbers)


def _differences(expect: ExpectText, decision: Decision) -> tuple[str, ...]:
    """What differs, in words."""
    wrong = []
    for name, got in described(decision).items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != got:
            wrong.append(f"{name}: expected {_words(wanted)}, got {_words(got)}")
    return tuple(wrong)


def described(decision: Decision) -> dict[str, object]:
    """A decision in the words of a case."""
    reasons = [because.reason.code for because in decision.reasons]
    match decision:
        case Deny():
            return {"decision": "deny", "reasons": reasons, "asked": None, "allowed": None, "kept": None, "masks": {}, "masked": 0}
        case Challenge(asked=asked, allowed=allowed):
            numbers = {"decision": "challenge", "asked": asked, "allowed": allowed}
        case Allow():
            numbers = {"decision": "allow", "asked": None, "allowed": None}
    duties = decision.obligations
    return {
        **numbers,
        "reasons": reasons,
        "kept": "all" if duties.keep is None else len(duties.keep),
        "masks": {one.field: one.mask for one in duties.masks},
        "masked": len(duties.masked),
    }


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {written_mask(mask)}" for name, mask in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return str(value)
