"""One's own keys on the page: what they are worth, names, removing one, and letting a further one in by a touch."""

import re

from audit_store.alerts import Signal
from deploy.demo.software_key import Lies, SoftwareKey
from tests.audit_store.acts import NOW


def _enrolled(pages, person, label="Blue", lies=None):
    key, keys = SoftwareKey(), pages.services.keys
    token = keys.issue_token(person.id, None)
    options, _ = keys.begin_registration(token)
    answer = key.create(options, pages.url, lies=lies or Lies())
    return key, keys.complete_registration(token, answer, label)


def test_the_page_says_what_a_key_is_worth_and_asks_for_a_second_one(pages):
    anna = pages.add("Anna Feldmann")
    _enrolled(pages, anna)
    client = pages.client(anna)
    shown = client.get("/keys").text
    assert "Registrieren Sie einen zweiten" in shown
    assert "Hardware" in shown
    assert "/remove" not in shown, "the only key is removed by others"
    _enrolled(pages, anna, "Phone", Lies(backup_eligible=True))
    shown = client.get("/keys").text
    assert "Registrieren Sie einen zweiten" not in shown
    assert "synchronisiert" in shown
    assert len(re.findall("/remove", shown)) == 2


def test_a_name_is_shown_as_it_is_and_somebody_elses_key_is_unknown(pages):
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    _, mine = _enrolled(pages, anna)
    _, theirs = _enrolled(pages, boris)
    client = pages.client(anna)
    form = {"csrf": pages.csrf(client), "label": "<b>rot</b>\u202e"}
    assert client.post(f"/keys/{mine.id}/name", data=form).headers["location"] == "/keys?done=named"
    assert "&lt;b&gt;rot&lt;/b&gt;" in client.get("/keys").text
    assert client.post(f"/keys/{theirs.id}/name", data=form).headers["location"] == "/keys?done=nothing"
    assert client.post(f"/keys/{theirs.id}/remove", data=form).headers["location"] == "/keys?done=nothing"
    assert [key.label for key in pages.services.keys.of(boris.id)] == ["Blue"]
    assert client.post(f"/keys/{mine.id}/name", data={"label": "x"}).status_code == 403
    assert client.post(f"/keys/{mine.id}/remove", data={}).status_code == 403


def test_one_of_two_is_removed_and_the_last_one_is_not(pages):
    anna = pages.add("Anna Feldmann")
    _, first = _enrolled(pages, anna)
    _, second = _enrolled(pages, anna)
    client = pages.client(anna)
    form = {"csrf": pages.csrf(client)}
    assert client.post(f"/keys/{first.id}/remove", data=form).headers["location"] == "/keys?done=removed"
    assert client.post(f"/keys/{second.id}/remove", data=form).headers["location"] == "/keys?done=last"
    assert "mit einer zweiten Person" in client.get("/keys?done=last").text
    assert [key.id for key in pages.services.keys.of(anna.id)] == [second.id]


def _add(pages, client, key, **changes):
    csrf = pages.csrf(client)
    begun = client.post("/api/keys/begin", json={"csrf": csrf})
    assert begun.status_code == 200
    answer = key.get(begun.json()["options"], pages.url)
    done = client.post("/api/keys/complete", json={"csrf": csrf, "state": begun.json()["state"], "response": answer, **changes})
    return done, answer, begun.json()["state"]


def test_a_further_key_is_let_in_by_a_touch_of_one_that_is_there(pages):
    """Attacks X2."""
    anna = pages.add("Anna Feldmann")
    key, _ = _enrolled(pages, anna)
    client = pages.client(anna)
    done, answer, state = _add(pages, client, key)
    token = done.json()["token"]
    assert pages.client().get(f"/enrol/{token}").status_code == 200
    options, _ = pages.services.keys.begin_registration(token)
    pages.services.keys.complete_registration(token, SoftwareKey().create(options, pages.url), "Second")
    assert [one.label for one in pages.services.keys.of(anna.id)] == ["Blue", "Second"]
    later = pages.client(anna)
    again = later.post("/api/keys/complete", json={"csrf": pages.csrf(later), "state": state, "response": answer})
    assert (again.status_code, again.json()) == (403, {"error": "refused"})


def test_a_sign_in_alone_or_a_synced_key_lets_nothing_in(pages):
    """Attacks X2: a weaker factor never creates a stronger one."""
    anna, boris = pages.add("Anna Feldmann"), pages.add("Boris Hartwig")
    synced, _ = _enrolled(pages, anna, lies=Lies(backup_eligible=True))
    of_boris, _ = _enrolled(pages, boris)
    client = pages.client(anna)
    assert client.post("/api/keys/begin", json={"csrf": pages.csrf(client)}).status_code == 403, "no key that may let one in"
    assert client.post("/api/keys/begin", json={"csrf": "guessed"}).status_code == 403
    assert pages.client().post("/api/keys/begin", json={"csrf": "guessed"}).status_code == 401
    _enrolled(pages, anna)
    csrf = pages.csrf(client)
    begun = client.post("/api/keys/begin", json={"csrf": csrf}).json()
    for key in (synced, of_boris):
        answer = key.get({**begun["options"], "allowCredentials": []}, pages.url, lies=Lies(backup_eligible=key is synced))
        done = client.post("/api/keys/complete", json={"csrf": csrf, "state": begun["state"], "response": answer})
        assert (done.status_code, done.json()) == (403, {"error": "refused"})


def test_under_a_serious_alert_the_own_touch_lets_nothing_in(pages):
    """Promises E87; the answer says nothing about an alert."""
    anna = pages.add("Anna Feldmann")
    key, _ = _enrolled(pages, anna)
    client = pages.client(anna)
    pages.services.alerts.raise_or_grow(Signal("export_try", anna.pseudonym, NOW, "high", "tried", {"asked": 7}))
    done, _, _ = _add(pages, client, key)
    assert (done.status_code, done.json()) == (403, {"error": "refused"})
