"""`torwart policy show`: the rules as a table."""

from __future__ import annotations

from typing import Any

from auth.command_line import Json, print_json, say
from console.cli.house import print_table
from console.cli.policy.output import InForce, Rules, refuse, store_of
from policies.document import LimitText, Mode, ReachText, written_need
from policies.load import load
from policies.problems import PolicyErrors
from policies.rule import Policy, Rule
from policies.store import SHIPPED


def show(path: Rules = None, config: InForce = None, as_json: Json = False) -> None:
    """The rules as a table: those in force with --config, else those of a folder."""
    try:
        policy = load(path or SHIPPED) if config is None else store_of(config).current()
    except PolicyErrors as errors:
        refuse(errors, as_json)
    if as_json:
        rules = [_as_json(rule) for rule in policy.rules]
        print_json({"version": policy.version, "export_threshold": policy.threshold.model_dump(), "rules": rules})
    else:
        _print_policy(policy)


def _print_policy(policy: Policy) -> None:
    say(f"Policy {policy.version}")
    print_table(("rule", "who", "acts", "effect", "what for"), (_row(rule) for rule in policy.rules))


def _as_json(rule: Rule) -> dict[str, Any]:
    """A rule that is different at some levels is there once for each way that it is."""
    levels = {"at_levels": sorted(rule.levels)} if rule.levels is not None else {}
    return rule.text.model_dump(mode="json", by_alias=True, exclude_none=True) | levels


def _row(rule: Rule) -> tuple[str, str, str, str, str]:
    text = rule.text
    who = ", ".join(sorted(text.roles)) if not isinstance(text.roles, str) else "anybody"
    who += f" ({', '.join(sorted(text.status))})" if text.status else ""
    who += f" at level {', '.join(sorted(rule.levels))}" if rule.levels is not None else ""
    acts = ", ".join(sorted(text.actions)) if not isinstance(text.actions, str) else "every act"
    parts = [text.effect.value] if text.mode is Mode.ENFORCE else [f"would {text.effect.value}: warn only"]
    parts += [_reached(text.reaches)] if text.reaches else []
    parts += [f"needs {written_need(text.require)}"] if text.require else []
    parts += ["own only"] if text.keep == "own" else []
    parts += [f"{name} masked for {text.masked_for}" for name in text.masks or ()]
    parts += [_limited(text.limit)] if text.limit else []
    return text.id, who, acts, ", ".join(parts), text.about.strip()


def _reached(reach: ReachText) -> str:
    share = f"{reach.count}" if reach.percent is None else f"{reach.percent:g} % of the {reach.of.value}"
    return f"from {reach.counter} {share} on"


def _limited(limit: LimitText) -> str:
    share = f"{limit.count}" if limit.percent is None else f"{limit.percent:g} % of the {limit.of.value}"
    return f"at most {share} by {limit.counter}"
