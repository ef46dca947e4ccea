"""The page about the language of rules, made from the models, the tables and the files that define and try it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from docs.allowed import HEADINGS
from docs.described import summary, texts_of
from docs.rule_slices import rule, yaml
from docs.tables import heading, items, members, prose, table, words
from policies.attributes import RECORD, ROOTS, Member, ResourceType, Type
from policies.document import (
    ANSWER,
    MAX_NEEDS,
    Effect,
    LevelText,
    LimitText,
    Mode,
    PolicyText,
    ReachText,
    RuleText,
    ThresholdText,
    read_need,
)
from policies.language import DIFFERENCES, FUNCTIONS, LIMITS, MACROS, OPERATORS, TYPES, Entry
from policies.load import MAX_BYTES, MAX_DEPTH, MAX_FILES
from policies.masks import CONTACT_GROUP, TELLING
from policies.needs import BY_CODE, RequirementKind, to_ask
from policies.reasons import REASONS
from policies.request import Action, Channel, Counts, Level, Status

SHIPPED, EXAMPLES = "policies/shipped", "examples"
SERVICE = f"{EXAMPLES}/records/field-service.yaml"

NEEDS: Mapping[RequirementKind, tuple[object, ...]] = {
    RequirementKind.KEY: ("key", {"key": {"fresh": 300, "class": "verified"}}),
    RequirementKind.CODE: ("code",),
    RequirementKind.APPROVAL: ("approval", {"approval": {"count": 2, "role": "head_of_sales", "expires": 1800}}),
    RequirementKind.JUSTIFY: ("justify",),
    RequirementKind.ACKNOWLEDGE: ("acknowledge",),
}
"""How each kind is written."""
_WHOM = {
    "shown": "Clients of whom anything was shown",
    "taken": "Clients whose phone number or e-mail address was shown clear",
    "foreign_shown": "Clients outside the own book of whom anything was shown",
    "exported": "Clients that went out by an export, report or print",
    "deleted": "Clients that were deleted",
    "changed": "Existing clients that were changed",
    "sent": "Clients that were recognised in uploads that went out",
}
_SPANS = {"minute": "in the last 60 seconds", "hour": "in the last hour", "day": "in the last 24 hours", "month": "in the last 30 days"}
_PACED = "Cards opened in the last 10 minutes, if their pace is that of a program; else 0"


def page() -> str:
    """The whole page."""
    parts = (_opening, _file, _rule, _does, _words, _measures, _levels, _masks, _needs, _conditions, _names, _reasons, _limits)
    return "\n".join(line for part in parts for line in part()) + "\n"


def _opening() -> list[str]:
    return [
        "# Policy language",
        *prose(
            "Everything that a file of rules can say. [Rules](../policies.md) shows how to work with one, [Cases](policy-cases.md) how",
            "rules are tried. This page is made from the code, and its rules are cut out of files that tests run.",
        ),
        *yaml(rule(f"{SHIPPED}/sales.yaml", "manager-exports")),
        *items(
            "What no rule allows is denied. A deny wins over every allow. The order of rules and files means nothing.",
            "Masks, limits and needs of all rules that hold add up.",
            "A rule that fails while it is asked (a missing value, a division by 0) denies the act; a `where` that fails denies that",
            "client.",
            "What is masked for a person, that person can neither search nor sort, filter or group by. No rule lifts this.",
            "No key, approval or written reason lifts a limit or a deny.",
            "Before the CRM has answered, only the question is judged; then everything is judged again, with the clients in the answer.",
            "Whoever is frozen or gone gets nothing, whatever rules say.",
        ),
    ]


def _file() -> list[str]:
    return [
        *heading("A file"),
        *prose(
            "YAML in UTF-8; its name ends in `.yaml`. All files of a folder are read together: there is no `include`. Unknown keys, keys",
            "given twice, anchors and tags are errors. `no` and `on` are words.",
        ),
        *members(PolicyText),
        *heading(HEADINGS[ThresholdText]),
        *prose(summary(ThresholdText)),
        *members(ThresholdText),
    ]


def _rule() -> list[str]:
    return [
        *heading(HEADINGS[RuleText]),
        *prose("It holds where its roles (one of them), act, resource, status, road, `when` and `reaches` all do."),
        *members(RuleText),
    ]


def _does() -> list[str]:
    return [
        *heading("What a rule does"),
        *words("effect", Effect),
        *words("mode", Mode),
        *prose(
            "A deny has no masks, `keep`, `limit`, `require`, `notify` or `watermark`; `quarantine` belongs to a deny. `oblige` has at",
            "least one duty and no `require`. A rule on clients that allows names its acts.",
        ),
        *yaml(rule(f"{SHIPPED}/out-of-hours.yaml", "night-exports")),
        *heading("The mark of an export", 3),
        *prose(
            "With `watermark` a table that is exported (the web client's export, the CSV download) carries one row more, the last one:",
            "the export's name, the person, the time in UTC, and a code that only this installation can make. It counts nowhere. Letters,",
            "PDFs and what is an export by its effect alone (a long list on the screen) can carry no row: where a rule asks for one, they",
            "are denied with `no_mark`; `context.by_effect` tells the latter apart. For acts that are no export it means nothing.",
        ),
        *yaml(rule(f"{SHIPPED}/sales.yaml", "sales-exports-marked")),
        *heading("Rules about single clients", 3),
        *prose(
            "With `where` a rule is about those clients of whom it is true. A client may go if an allow lets it through and no deny",
            "takes it out. What may not go is cut from a list. An act that changes something, and one whose rules say `whole`, is denied",
            "if one client may not go. A deny without `where` denies the act.",
        ),
        *yaml(rule(SERVICE, "region-reads"), rule(SERVICE, "region-without-key-accounts")),
    ]


def _words() -> list[str]:
    lists = (Action, ResourceType, Channel, Status, Level)
    return [
        *(line for kind in lists for line in (*heading(HEADINGS[kind]), *words("word", kind))),
        *prose(
            "Somebody is `departing` from `talk_planned` on, or because somebody set it. `torwart people level` sets a level with a",
            "reason and an end. The employee reads neither level nor status.",
        ),
    ]


def _measures() -> list[str]:
    return [
        *heading(HEADINGS[ReachText]),
        *prose("The rule holds where the act adds to a counter and brings it to this share or number, or beyond."),
        *members(ReachText),
        *heading(HEADINGS[LimitText]),
        *prose(
            "At most this share or number goes out, with what the counter holds already. The rest is cut off. Where nothing would be",
            "left, or `whole` stands, the act is denied. Of several limits the tightest holds.",
        ),
        *members(LimitText),
        *heading("Counters"),
        *prose(
            f"Different clients of one person, on all roads together. A `limit` may also count `{ANSWER}`, the clients of the one answer."
        ),
        *table(("counter", "what it counts"), ((f"`{name}`", f"{_counted(name)}.") for name in Counts.__dataclass_fields__)),
    ]


def _counted(name: str) -> str:
    whom, _, span = name.rpartition("_")
    return f"{_WHOM[whom]} {_SPANS[span]}" if span in _SPANS else {"paced_cards": _PACED}[name]


def _levels() -> list[str]:
    return [
        *heading(HEADINGS[LevelText]),
        *prose("What a rule says for people at a level. What is left out is as the rule says."),
        *members(LevelText),
        *yaml(rule(SERVICE, "region-a-day")),
    ]


def _masks() -> list[str]:
    rows = ((f"`{told.written}`", told.meaning, told.tells, told.fields) for told in TELLING.values())
    return [
        *heading("Masks"),
        *prose(
            f"`masks` names fields as the CRM does, or the group `{CONTACT_GROUP}`: every field that carries a phone number or an e-mail",
            "address. A name covers the field, what is reached through it and every path that ends in it. `for: others` masks clients",
            "outside the person's own book, `for: all` every client; with `where` it may be left out. Of two masks on one field the one",
            "that tells less holds, of two kinds neither: the field is hidden.",
        ),
        *table(("written", "what goes out", "what it still tells", "fits"), rows),
        *yaml(rule(SERVICE, "analyst-counts")),
        *prose(
            "A mask that comes back in a change is not stored. Where a mask looks like a value (`null`, `{round: 1000}`, `{date:",
            "month}`), the field cannot be changed by whom it is masked for.",
        ),
    ]


def _needs() -> list[str]:
    texts = texts_of(RequirementKind)
    rows = (
        (" or ".join(f"`{_flow(one)}`" for one in forms), texts[kind.name], "yes" if to_ask(read_need(forms[0])) is not None else "no")
        for kind, forms in NEEDS.items()
    )
    return [
        *heading("Needs"),
        *table(("require", "what must be there", "asked for"), rows),
        *prose(
            f"`{{all: [...]}}` needs all its parts, `{{any: [...]}}` one: two to {MAX_NEEDS} of them, {MAX_NEEDS} deep. `fresh` and",
            "`expires` are seconds. With `fresh` a touch in the same session counts that is not older; without, the key is touched for",
            "exactly this act. `class` says which keys count: `hardware` (if nothing is said) all that cannot be copied, `verified` those",
            "whose maker vouches for a model that is known and admitted, `any` passkeys too that are synced over an account. An approval",
            "is given by others who have the role, each with the own key; one `owner` within 3,600 seconds, unless it says otherwise.",
            "Nobody approves an act of one's own.",
        ),
        *prose(
            "A `code` is of the person's authenticator app, for the person who has no key at hand: the key may always be touched instead.",
            f"It can be asked for on {', '.join(f'`{one.value}`' for one in Action if one in BY_CODE)}",
            "and on nothing else, and only where a rule says so.",
        ),
        *prose(
            "A reason and a warning that was read are given with the key, which signs them too. What nobody can be asked for is denied,",
            "in the words of the rule's reason or of `not_asked_for`. An upload through the proxy is stopped, confirmed on Torwart's page",
            "and sent again; a message of a WebSocket, and what is too large to be read, is denied. Of files on a desk nothing is asked.",
        ),
        *yaml(
            rule(SERVICE, "region-letters"),
            rule(f"{SHIPPED}/hand-over.yaml", "hand-over-by-owner"),
            rule(f"{EXAMPLES}/policy/careful-sending.yaml", "mail-warned"),
        ),
    ]


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    return str(value)


def _conditions() -> list[str]:
    functions = (
        ("<br>".join(f"`{one}`" for one in function.signatures()), function.about, f"`{function.example}` is `{function.gives}`")
        for function in FUNCTIONS.values()
    )
    return [
        *heading("Conditions"),
        *prose(
            "`when` and `where` are written in a part of CEL, the Common Expression Language. Names, types and the words that a name can",
            "have are checked when the file is loaded. Tests compare what comes out with another evaluator of CEL.",
        ),
        *heading("Types", 3),
        *_entries(TYPES),
        *heading("Operators", 3),
        *prose("What stands above binds more tightly."),
        *_entries(OPERATORS),
        *heading("Questions", 3),
        *_entries(MACROS),
        *heading("Functions", 3),
        *table(("function", "what it gives", "for example"), functions),
        *heading("Where it is not as CEL is", 3),
        *prose("`within_hours` and `share_of_base` are Torwart's own. Characters that cannot be seen are refused. On purpose:"),
        *table(("what", "for example", "here", "in CEL"), ((one.about, f"`{one.example}`", one.here, one.there) for one in DIFFERENCES)),
    ]


def _entries(entries: Iterable[Entry]) -> list[str]:
    return table(("written", "what it is", "for example"), ((f"`{one.form}`", one.about, _example(one)) for one in entries))


def _example(entry: Entry) -> str:
    return f"`{entry.example}`" if entry.example == entry.gives else f"`{entry.example}` is `{entry.gives}`"


def _names() -> list[str]:
    heads = ("name", "type", "what it says")
    return [
        *heading("Names"),
        *prose("Ask `has(...)` before you read what may be missing: reading what is not there fails, and a rule that fails denies."),
        *table(heads, (row for root, kind in ROOTS.items() for row in _named(root, kind))),
        *prose("In `where` also, of each client:"),
        *table(heads, (_row(f"record.{name}", member) for name, member in RECORD.items())),
        *prose("A CRM may not have all of them: `torwart policy check --config FILE` says so."),
    ]


def _named(root: str, kind: Type) -> Iterable[Sequence[str]]:
    if kind.members is not None:
        yield from (_row(f"{root}.{name}", member) for name, member in kind.members.items())
    elif kind.element is not None and kind.element.members is not None:
        yield f"`{root}`", "list", "What was found in content that goes out: `findings.exists(found, found.clients > 0)`."
        yield from (_row(f"found.{name}", member) for name, member in kind.element.members.items())
    else:
        yield f"`{root}`", "string", f"What is being done: a word of [{HEADINGS[Action]}](#acts)."


def _row(name: str, member: Member) -> Sequence[str]:
    return f"`{name}`", _type(member.type) + (", may be missing" if member.optional else ""), member.about


def _type(kind: Type) -> str:
    if kind.words is not None:
        heads = (HEADINGS[one] for one in (Action, ResourceType, Channel, Status, Level) if {word.value for word in one} == kind.words)
        head = next(heads)
        return f"a word of [{head}](#{head.lower().replace(' ', '-')})"
    return "[counters](#counters)" if kind.members is not None else str(kind)


def _reasons() -> list[str]:
    codes = ", ".join(f"`{code}`" for code in sorted(REASONS))
    return [*heading("Reasons"), *prose(f"A rule names one of these; [Reasons](reasons.md) has their sentences. {codes}.")]


def _limits() -> list[str]:
    own = (
        (f"{MAX_BYTES:,} bytes", "a file"),
        (f"{MAX_FILES} files", "rules in one folder"),
        (f"{MAX_DEPTH} levels", "lists and maps of YAML inside each other"),
        ("64 characters", "a name of a rule, a role or a field: small letters, digits, `-` and `_`, a letter first"),
    )
    return [*heading("Limits"), *table(("at most", "of"), (*own, *LIMITS.items()))]
