"""E89 to E93: nobody approves what is their own, by no account, name, command or click; what is shown is what is signed."""

import pytest
import typer.main

from auth.approval_request import ApprovalKind, ApprovalRefused, Shown
from auth.person_values import PersonChange
from auth.tables import Person
from console.cli import COMMANDS
from deploy.demo.software_key import SoftwareKey
from policies.needs import Approval
from tests.hostile.test_x31_looks import APPS
from tests.services.console import Pages

BIDI = "für\u202egnp.exe\r\nSet-Cookie: a=b<script>alert(1)</script>\x1b[31m"


def _key(pages: Pages, person: Person) -> SoftwareKey:
    key, keys = SoftwareKey(), pages.services.keys
    token = keys.issue_token(person.id, None)
    keys.complete_registration(token, key.create(keys.begin_registration(token)[0], pages.url))
    return key


def _ask(pages: Pages, requester: Person, reason: str = "die Messe", lines: tuple[str, ...] = ()) -> str:
    shown = Shown("export", lines=lines, asked=3, allowed=3)
    ask = pages.services.approvals.ask
    return ask(kind=ApprovalKind.ACT, requester=requester.id, digest="ab" * 32, shown=shown, need=Approval(), reason=reason).id


def test_no_command_approves_anything() -> None:
    known = {name for app in APPS.values() for name in getattr(typer.main.get_command(app), "commands", {})}
    assert {word for word in known | set(COMMANDS) if "approv" in word or "consent" in word} == set()


def test_a_second_account_of_the_crm_is_the_same_person(pages: Pages) -> None:
    olga = pages.add("Olga Brandt", "owner")
    key = _key(pages, olga)
    pages.services.people.bind(olga.id, "olga-the-second")
    request = _ask(pages, olga)
    again = pages.services.people.by_account("olga-the-second")
    assert again is not None
    with pytest.raises(ApprovalRefused) as refused:
        pages.services.approvals.begin(request, again.id)
    assert refused.value.cause == "own"
    assert key is not None


def test_another_name_and_address_are_the_same_person(pages: Pages) -> None:
    olga = pages.add("Olga Brandt", "owner")
    _key(pages, olga)
    request = _ask(pages, olga)
    pages.services.people.change(olga.id, PersonChange(name="Somebody Else", email="else@firma.example"), None)
    with pytest.raises(ApprovalRefused) as refused:
        pages.services.approvals.begin(request, olga.id)
    assert refused.value.cause == "own"


def test_e91_what_the_requester_wrote_steers_nothing_and_is_shown_to_its_end(pages: Pages) -> None:
    anna, olga = pages.add("Anna Feldmann"), pages.add("Olga Brandt", "owner")
    _key(pages, olga)
    line = "x" * 10_000 + "END"
    request = _ask(pages, anna, BIDI, (line,))
    page = pages.client(olga).get(f"/approvals/{request}")
    assert "<script>alert" not in page.text
    for raw in ("\u202e", "\x1b", "\r\nSet-Cookie"):
        assert raw not in page.text
    assert f"<bdi>{line}</bdi>" in page.text
    assert "set-cookie" not in page.headers or "a=b" not in page.headers["set-cookie"]
