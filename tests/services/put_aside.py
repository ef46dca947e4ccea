"""Rules that put files aside, in an installation of a test."""

from __future__ import annotations

from pathlib import Path

from auth.policy_signature import PolicyKey
from policies.store import PolicyStore

RULES = """\
about: Files with clients on a stick are put aside.
rules:
  - id: stick-put-aside
    about: A file with clients on a stick is put aside, until somebody has looked at it.
    roles: any
    actions: [file_copy]
    resource: content
    channels: [removable]
    when: resource.asked >= 1
    effect: deny
    reason: clients_leave
    quarantine: true
"""
_CASES = """\
about: What the rule must do.
people:
  paul: {roles: [manager], about: sends offers}
cases:
  - name: a client on a stick is put aside
    given: {person: paul, resource: content, own: 1, channel: removable, action: file_copy}
    expect: {decision: deny, reasons: [clients_leave], quarantine: true}
"""


def put_sticks_aside(state: Path, rules: str = RULES, cases: str = _CASES) -> None:
    """Make these the rules in force."""
    folder = state.parent / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    (folder / "rules.cases.yaml").write_text(cases, encoding="utf-8")
    PolicyStore(state / "policies", PolicyKey(state / "keys")).activate(folder, "torwart")
