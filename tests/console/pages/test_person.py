import re
from pathlib import Path

import pytest

from audit_store.event import Phase
from audit_store.outside import Outside
from audit_store.outside_folder import FolderPlace
from audit_store.statements import Statements
from audit_store.witnessed import WitnessedSpool
from auth.tables import Person
from console.qr import picture
from policies import reasons
from policies.request import Action, Status
from tests.services.console import Pages, deed

DEPARTURE = (
    *("Gespräch", "gekündigt", "letzter Tag", "ausgeschieden", "Ausscheiden"),
    *("talk_planned", "notice", "last day", "leaving", "export_not_now"),
)


@pytest.fixture
def owner(pages: Pages) -> Person:
    return pages.add("Oskar Brandt", "owner")


@pytest.fixture
def anna(pages: Pages) -> Person:
    return pages.add("Anna Feldmann")


def test_the_status_changes_from_the_next_request_on(pages: Pages, owner: Person, anna: Person):
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "status": "notice_given", "sure": "yes"}
    assert client.post(f"/people/{anna.id}/status", data=form).headers["location"] == f"/people/{anna.id}?done=status"
    found = pages.services.people.by_id(anna.id)
    assert found is not None
    assert found.status == Status.NOTICE_GIVEN


def test_a_wider_status_waits_for_a_place_outside_and_a_freeze_does_not(pages: Pages, owner: Person, anna: Person, tmp_path: Path):
    """attacks X14: what gives is stated outside first; what takes away waits for nobody."""
    pages.services.people.set_status(anna.id, Status.NOTICE_GIVEN, owner.id)
    spool = pages.services.spool
    assert isinstance(spool, WitnessedSpool)
    assert isinstance(spool.signer, Statements)
    spool.witness = Outside(spool.signer, [FolderPlace(tmp_path / "not mounted")])
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "status": "active", "sure": "yes"}
    answer = client.post(f"/people/{anna.id}/status", data=form)
    assert answer.status_code == 503
    assert "Keiner der Orte außerhalb" in answer.text
    found = pages.services.people.by_id(anna.id)
    assert found is not None
    assert found.status == Status.NOTICE_GIVEN
    assert client.post(f"/people/{anna.id}/status", data=form | {"status": "last_day"}).status_code == 303
    pages.services.people.freeze(anna.id, owner.id)
    found = pages.services.people.by_id(anna.id)
    assert found is not None
    assert found.frozen_at is not None
    assert found.status == Status.LAST_DAY


def test_a_level_is_set_for_a_reason_and_shown_with_its_end(pages: Pages, owner: Person, anna: Person):
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "level": "watched", "days": "3", "reason": "copies at night"}
    assert client.post(f"/people/{anna.id}/level", data=form).headers["location"] == f"/people/{anna.id}?done=level"
    page = client.get(f"/people/{anna.id}").text
    assert "genau beobachtet" in page
    assert "copies at night" in page
    refused = client.post(f"/people/{anna.id}/level", data=form | {"reason": " "})
    assert refused.headers["location"] == f"/people/{anna.id}?done=refused"


@pytest.mark.parametrize("act", ["freeze", "unfreeze", "status", "level", "token"])
def test_nobody_acts_on_themselves(pages: Pages, owner: Person, act: str):
    client = pages.client(owner)
    form = {"csrf": pages.csrf(client), "status": "active", "sure": "yes", "level": "normal", "days": "1", "reason": "mine"}
    assert client.post(f"/people/{owner.id}/{act}", data=form).status_code == 403


def test_a_link_can_be_read_by_a_camera_and_the_picture_holds_no_word(pages: Pages, owner: Person, anna: Person):
    client = pages.client(owner)
    shown = client.post(f"/people/{anna.id}/token", data={"csrf": pages.csrf(client)}).text
    link = re.search(r"<code>(http://[^<]+)</code>", shown)
    drawn = re.search(r'<div class="camera"[^>]*>(<svg .*?</svg>)\s*</div>', shown, re.DOTALL)
    assert link is not None
    assert drawn is not None
    assert drawn[1] == picture(link[1]).decode().strip()
    assert link[1].rpartition("/")[2] not in drawn[1]
    assert "style=" not in drawn[1]
    assert 'class="camera"' not in client.get(f"/people/{anna.id}").text


def test_a_one_time_link_is_shown_once(pages: Pages, owner: Person, anna: Person):
    client = pages.client(owner)
    text = client.post(f"/people/{anna.id}/token", data={"csrf": pages.csrf(client)}).text
    assert f"{pages.url}/enrol/" in text
    assert "/enrol/" not in client.get(f"/people/{anna.id}").text


def test_security_staff_hands_out_no_keys(pages: Pages, anna: Person):
    """A key for Anna in somebody else's hand would act in her name (attacks X2)."""
    client = pages.client(pages.add("Sven Wache", "security"))
    assert client.post(f"/people/{anna.id}/token", data={"csrf": pages.csrf(client)}).status_code == 403
    assert "/token" not in client.get(f"/people/{anna.id}").text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/alerts/1?x", "/signout", "javascript:alert(1)"])
def test_the_way_back_is_one_of_our_own_pages(pages: Pages, owner: Person, anna: Person, back: str):
    client = pages.client(owner)
    done = client.post(f"/people/{anna.id}/freeze", data={"csrf": pages.csrf(client), "back": back})
    assert done.headers["location"] == f"/people/{anna.id}?done=frozen"


def test_mails_name_a_person_by_pseudonym_and_the_page_is_found(pages: Pages, owner: Person, anna: Person):
    assert pages.client(owner).get(f"/people/{anna.pseudonym}").status_code == 200


@pytest.mark.parametrize("status", [Status.TALK_PLANNED, Status.NOTICE_GIVEN, Status.LAST_DAY])
@pytest.mark.parametrize("language", ["de", "en"])
def test_no_page_tells_a_departing_person_of_it(pages: Pages, owner: Person, anna: Person, status: Status, language: str):
    pages.services.people.set_status(anna.id, status, owner.id)
    departing = pages.services.people.by_id(anna.id)
    assert departing is not None
    refused = deed(departing, Action.EXPORT, Phase.DENIED, range(40), at=departing.created_at, act_id="a1", because=reasons.EXPORT_NOT_NOW)
    pages.record(refused)
    pages.hold(departing)
    for client in (pages.client(anna, language=language), pages.client(language=language)):
        for path in ("/keys", "/why/a1", "/act/act-1", "/alerts", "/people", f"/people/{anna.id}", "/signin"):
            text = client.get(path).text
            assert not [word for word in DEPARTURE if word in text], path


def test_a_departing_reviewer_reads_nothing_of_it_either(pages: Pages, owner: Person):
    second = pages.add("Ute Sicher", "security")
    pages.services.people.set_status(second.id, Status.TALK_PLANNED, owner.id)
    reading = pages.services.people.by_id(second.id)
    assert reading is not None
    pages.record(deed(reading, Action.EXPORT, Phase.DENIED, range(40), at=reading.created_at, act_id="a1", because=reasons.EXPORT_NOT_NOW))
    client = pages.client(second)
    for path in ("/people", f"/people/{second.id}", "/why/a1", "/keys"):
        text = client.get(path).text
        assert not [word for word in DEPARTURE if word in text], path


def test_the_refusal_of_a_departing_person_reads_as_anybodys(pages: Pages, anna: Person):
    boris = pages.add("Boris Hartwig")
    at = anna.created_at
    pages.record(
        deed(anna, Action.EXPORT, Phase.DENIED, range(40), at=at, act_id="same-act", because=reasons.EXPORT_NOT_NOW),
        deed(boris, Action.EXPORT, Phase.DENIED, range(40), at=at, act_id="othr-act", because=reasons.NOT_FOR_YOU),
    )
    client = pages.client()
    anna_reads, boris_reads = client.get("/why/same-act"), client.get("/why/othr-act")
    assert (anna_reads.status_code, boris_reads.status_code) == (200, 200)
    assert "nicht freigegeben" in anna_reads.text
    assert anna_reads.text.replace("same-act", "") == boris_reads.text.replace("othr-act", "")
