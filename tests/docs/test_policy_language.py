"""The pages about rules and cases say something of everything that their files can hold, and show no rule that nobody tries."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel

from docs import policy_cases, policy_language
from docs.allowed import CASE_HEADINGS
from docs.described import texts_of
from docs.policy_language import NEEDS
from policies.attributes import RECORD, ROOTS, ResourceType
from policies.case_run import run
from policies.cases import questions, run_cases
from policies.document import Effect, LevelText, LimitText, Mode, PolicyText, ReachText, RuleText, ThresholdText, read_need, written_need
from policies.load import CASES, load, read_document
from policies.masks import TELLING, MaskKind
from policies.needs import RequirementKind, kinds
from policies.reasons import REASONS
from policies.request import Action, Channel, Counts, Level, Status
from policies.rule import Policy, Rule, compiled

ROOT = Path(__file__).parents[2]
PAGE, CASES_PAGE = policy_language.page(), policy_cases.page()
MODELS = [PolicyText, ThresholdText, RuleText, ReachText, LimitText, LevelText]
WORDS = [Effect, Mode, Action, ResourceType, Channel, Status, Level, RequirementKind]
RULES = [path for folder in ("policies/shipped", "examples") for path in (ROOT / folder).rglob("*.yaml") if not path.name.endswith(CASES)]
REFERENCE = ROOT / "docs" / "reference"
PAGES = [ROOT / "docs" / "policies.md", REFERENCE / "policy-language.md", REFERENCE / "policy-cases.md"]
SERVICE = ROOT / "examples" / "records"


@pytest.mark.parametrize("model", [*MODELS, *CASE_HEADINGS])
def test_every_member_is_described(model: type[BaseModel]) -> None:
    texts, page = texts_of(model), PAGE if model in MODELS else CASES_PAGE
    for name, field in model.model_fields.items():
        assert texts.get(name), name
        assert f"| `{field.alias or name}` |" in page


@pytest.mark.parametrize("words", WORDS)
def test_every_word_is_described(words: type[StrEnum]) -> None:
    if words is not ResourceType:
        assert set(texts_of(words)) == set(words.__members__)
    for word in words:
        assert f"`{word.value}`" in PAGE


def test_every_name_of_an_act_and_of_a_client_is_described() -> None:
    for root, kind in ROOTS.items():
        inside = kind if kind.members else kind.element
        for name, member in (inside.members or {}).items() if inside else ():
            assert member.about, f"{root}.{name}"
    for name, member in RECORD.items():
        assert f"| `record.{name}` | {member.type}{', may be missing' if member.optional else ''} | {member.about} |" in PAGE


def test_counters_reasons_and_masks_are_all_there() -> None:
    for word in (*Counts.__dataclass_fields__, *REASONS):
        assert f"`{word}`" in PAGE
    assert set(TELLING) == set(MaskKind)
    for told in TELLING.values():
        assert f"| `{told.written}` |" in PAGE


def test_needs_are_written_as_they_are_read() -> None:
    assert set(NEEDS) == set(RequirementKind)
    for kind, forms in NEEDS.items():
        for form in forms:
            need = read_need(form)
            assert kinds(need) == (kind,)
            assert read_need(written_need(need)) == need


def test_every_link_inside_the_page_leads_to_a_heading() -> None:
    both = PAGE + CASES_PAGE
    for name, page in (("(?:policy-language\\.md)?", PAGE), ("policy-cases\\.md", CASES_PAGE)):
        headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
        assert set(re.findall(rf"\]\({name}#([^)]+)\)", both)) <= headings


def blocks() -> list[object]:
    """Every block of rules on the pages."""
    found = [(page, block) for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    return [pytest.param(block, id=f"{page.name}-{number}") for number, (page, block) in enumerate(found)]


@pytest.mark.parametrize("block", blocks())
def test_every_rule_on_a_page_is_one_that_tests_run(block: str, tmp_path: Path) -> None:
    """A whole file that loads, or pieces of files that are loaded and tried."""
    if block.startswith(("about:", "rules:")):
        path = tmp_path / "rules.yaml"
        path.write_text(block, "utf-8")
        assert load(path).rules
        return
    texts = [path.read_text("utf-8") for folder in ("policies/shipped", "examples") for path in (ROOT / folder).rglob("*.yaml")]
    for piece in block.rstrip().split("\n\n"):
        lines = piece.splitlines()
        inset = ["".join(f"\n{' ' * width}{line}" for line in lines) + "\n" for width in range(5)]
        assert any(one in f"\n{text}\n" for one in inset for text in texts), piece


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_every_file_that_pages_cut_from_has_cases(path: Path) -> None:
    assert path.with_name(path.stem + CASES).exists()


def test_the_example_about_single_clients_is_green() -> None:
    results = run_cases(SERVICE, load(SERVICE))
    assert [(result.title, result.wrong) for result in results if not result.green] == []
    assert {result.action for result in results} >= {Action.LIST, Action.READ, Action.REPORT}


@pytest.mark.parametrize("rule", load(SERVICE).rules, ids=lambda rule: rule.text.id)
def test_no_rule_of_the_example_can_be_left_out(rule: Rule) -> None:
    without = without_rule(rule.text.id)
    assert any(not run(question, without).green for question in questions(SERVICE))


def without_rule(name: str) -> Policy:
    """The example without one rule."""
    text = PolicyText.model_validate(read_document(SERVICE / "field-service.yaml").value)
    return compiled([text.model_copy(update={"rules": [one for one in text.rules if one.id != name]})], "1")
