"""A widening needs two administrators' keys as soon as one has a key; one alone needs a delay and somebody outside who was told."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from auth.approval_request import ApprovalKind, ApprovalRefused
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.stepup import clock_id
from auth.storage import writing
from auth.tables import Key
from auth.used_acts import FILE, UsedActs
from console.cli.house import House, open_house
from deploy.demo.software_key import SoftwareKey
from tests.console.cli.policy.firm import WIDER, events, install, put, run

SOLE = "\nsole_reviewer:\n  address: kanzlei@steuer.example\n  delay_hours: 2\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return install(tmp_path)


@pytest.fixture
def rules(config: Path, tmp_path: Path) -> Path:
    rules = put(tmp_path / "rules")
    run("activate", rules, "--config", config)
    put(rules, WIDER)
    return rules


def enrol(config: Path, email: str, *roles: str) -> SoftwareKey:
    key = SoftwareKey()
    with open_house(config) as house:
        person = house.people.find(email) or house.people.add(email, email, roles)
        token = house.keys.issue_token(person.id, None)
        options, _ = house.keys.begin_registration(token)
        house.keys.complete_registration(token, key.create(options, house.installation.origin))
    return key


def approvals_of(house: House) -> Approvals:
    used = UsedActs(house.installation.state / FILE)
    sole = house.installation.sole_reviewer
    return Approvals(house.engine, house.record, house.keys, house.pseudonyms, clock_id(house.engine), used=used, sole=sole)


def approve(config: Path, email: str, key: SoftwareKey) -> None:
    with open_house(config) as house:
        person = house.person(email)
        approvals = approvals_of(house)
        (request,) = approvals.waiting_for(person.id)
        assert any("phone clear instead of hide" in line for line in request.shown["lines"])
        options = approvals.begin(request.id, person.id)
        approvals.complete(request.id, person.id, key.get(options, house.installation.origin))


def test_two_administrators_approve_exactly_this_change(config: Path, rules: Path) -> None:
    oskar, berta = enrol(config, "oskar@firma.example"), enrol(config, "berta@firma.example", "admin")
    digest = json.loads(run("activate", rules, "--config", config, "--json", code=1).stdout)["widen"]
    asked = run("activate", rules, "--config", config, "--widen", digest, "--by", "oskar@firma.example", code=1).stdout
    assert "This needs two administrators' keys: " in asked, "the digest alone confirms nothing any more"
    approve(config, "oskar@firma.example", oskar)
    assert "Not activated" in run("activate", rules, "--config", config, code=1).stdout, "one person is not two"
    approve(config, "berta@firma.example", berta)
    assert "Version 2 is in force" in run("activate", rules, "--config", config).stdout
    ours = events(config, "policy-activated")[-1]["torwart"]["words"]
    assert [name[:2] for name in ours["confirmed_by"].split(", ")] == ["P-", "P-"]
    assert len(events(config, "approval-taken")) == 1


def test_another_change_is_not_what_was_approved(config: Path, rules: Path) -> None:
    keys = {name: enrol(config, name, "admin") for name in ("oskar@firma.example", "berta@firma.example")}
    run("activate", rules, "--config", config, code=1)
    for name, key in keys.items():
        approve(config, name, key)
    put(rules, WIDER.replace("[read]", "[read, list]"))
    assert "Not activated" in run("activate", rules, "--config", config, code=1).stdout
    put(rules, WIDER)
    assert "Version 2 is in force" in run("activate", rules, "--config", config).stdout
    run("rollback", "--config", config)
    assert "Not activated" in run("activate", rules, "--config", config, code=1).stdout, "once"


def test_one_administrator_alone_waits_for_a_second_one(config: Path, rules: Path) -> None:
    enrol(config, "oskar@firma.example")
    refused = run("activate", rules, "--config", config, code=2).stderr
    assert "register a second administrator's key" in refused
    assert "sole_reviewer" in refused


def test_the_sole_reviewer_gives_a_reason_tells_somebody_outside_and_waits(config: Path, rules: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + SOLE, encoding="utf-8")
    oskar = enrol(config, "oskar@firma.example")
    assert "write why" in run("activate", rules, "--config", config, code=2).stderr
    asked = run("activate", rules, "--config", config, "--reason", "a fair", code=1).stdout
    assert "the one administrator and a delay" in asked
    with pytest.raises(ApprovalRefused) as refused:
        approve(config, "oskar@firma.example", oskar)
    assert refused.value.cause == "too_early", "nobody outside knows of it"
    with open_house(config) as house:
        (request,) = approvals_of(house).unnoticed()
        approvals_of(house).noticed(request.id)
    with pytest.raises(ApprovalRefused) as refused:
        approve(config, "oskar@firma.example", oskar)
    assert refused.value.cause == "too_early", "the delay is not over"
    with open_house(config) as house, writing(house.engine) as session:
        row = session.scalars(select(ApprovalRequest).where(ApprovalRequest.kind == ApprovalKind.RULES)).one()
        assert row.not_before is not None
        row.not_before -= timedelta(hours=2)
    approve(config, "oskar@firma.example", oskar)
    assert "Version 2 is in force" in run("activate", rules, "--config", config).stdout
    assert len(events(config, "approval-noticed")) == 1


def test_nobody_is_alone_any_more_once_a_second_administrator_has_a_key(config: Path, rules: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + SOLE, encoding="utf-8")
    oskar = enrol(config, "oskar@firma.example")
    run("activate", rules, "--config", config, "--reason", "a fair", code=1)
    with open_house(config) as house, writing(house.engine) as session:
        row = session.scalars(select(ApprovalRequest)).one()
        row.not_before = row.opened_at
    enrol(config, "berta@firma.example", "admin")
    with open_house(config) as house:
        person, approvals = house.person("oskar@firma.example"), approvals_of(house)
        assert approvals.waiting_for(person.id) == []
        with pytest.raises(ApprovalRefused) as refused:
            approvals.begin(session_id(house), person.id)
        assert refused.value.cause == "not_alone"
        with writing(house.engine) as session:
            assert len(session.scalars(select(Key)).all()) == 2
    assert oskar is not None


def session_id(house: House) -> str:
    with writing(house.engine) as session:
        return session.scalars(select(ApprovalRequest.id)).one()
