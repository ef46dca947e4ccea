"""The page about files of cases, made from their models."""

from __future__ import annotations

from pydantic import BaseModel

from docs.allowed import CASE_HEADINGS
from docs.described import summary
from docs.rule_slices import case, yaml
from docs.tables import heading, members, prose
from policies.case_text import GivenText, PersonText, SituationText
from policies.load import CASES


def page() -> str:
    """The whole page."""
    lines = [
        "# Cases",
        *prose(
            f"A case says what must come out of the rules. Cases lie beside them, in files that end in `{CASES}`.",
            "`torwart policy test` runs them; rules with a red case are not put in force. What `people.cases.yaml` names, all files of the",
            "folder may name.",
        ),
        *yaml(case("examples/records/field-service.cases.yaml", "watched, the twenty-fifth needs the key")),
        *prose("Words, masks and needs are those of the [policy language](policy-language.md)."),
    ]
    for model, words in CASE_HEADINGS.items():
        lines += [*heading(words), *prose(summary(model)), *members(model, _inherited(model))]
    return "\n".join(lines) + "\n"


def _inherited(model: type[BaseModel]) -> frozenset[str]:
    """What stands in other sections already: what is given is all of a person and of a situation, and a little more."""
    return frozenset(PersonText.model_fields) | frozenset(SituationText.model_fields) if model is GivenText else frozenset()
