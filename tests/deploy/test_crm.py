"""The demo's CRM, started for real: the right people, the right clients, nothing outside its folder."""

import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.demo.clients import CLIENT_COUNT, all_clients
from deploy.demo.crm import DemoError, PreparedCrm, RunningCrm, prepare, start
from deploy.demo.people import ANNA, PEOPLE, Role, book_of
from tests.services.tryton import cache_folder

pytestmark = [pytest.mark.needs("tryton"), pytest.mark.slow]


def test_every_client_is_in_the_crm_with_all_that_was_made_up(tryton: RunningCrm) -> None:
    with tryton.log_in(ANNA.login) as session:
        fields = [
            "code",
            "name",
            "phone",
            "mobile",
            "email",
            "addresses.city",
            "addresses.street",
            "addresses.postal_code",
            "addresses.country.",
        ]
        fields[-1] += "code"
        records = session.call("model.party.party.search_read", [], 0, None, None, fields, {})
    by_id = {record["id"]: record for record in records}
    assert len(by_id) == CLIENT_COUNT
    for client in all_clients():
        record = by_id[tryton.party_ids[client.number]]
        (address,) = record["addresses."]
        assert (record["code"], record["name"], record[client.phone_kind], record["email"]) == (
            client.code,
            client.name,
            client.phone,
            client.email,
        )
        assert (address["street"], address["postal_code"], address["city"]) == (client.street, client.postal_code, client.city)
        assert address["country."]["code"] == client.country_code


def test_everybody_can_log_in_with_the_passwords_of_this_copy_only(tryton: RunningCrm, start_tryton: Callable[[], RunningCrm]) -> None:
    for person in PEOPLE:
        with tryton.log_in(person.login) as session:
            assert session.user_id > 1
    other = start_tryton()
    assert all(other.passwords[login] != password for login, password in tryton.passwords.items())
    with pytest.raises(DemoError):
        other.log_in(ANNA.login, base_url=tryton.base_url)


def test_people_work_in_their_own_language(tryton: RunningCrm) -> None:
    for person in PEOPLE:
        with tryton.log_in(person.login) as session:
            preferences = session.call("model.res.user.get_preferences", True, {})
        assert preferences["language"] == person.language


def test_a_manager_may_change_and_delete_in_the_crm_itself(tryton: RunningCrm) -> None:
    """Nothing but Torwart stands between a manager and the base: that is what the demo shows."""
    mine = book_of(ANNA.login, tryton.party_ids)[0]
    with tryton.log_in(ANNA.login) as session:
        session.call("model.party.party.write", [mine], {"name": "Umbenannt"}, {})
        assert session.call("model.party.party.read", [mine], ["name"], {}) == [{"id": mine, "name": "Umbenannt"}]
        made = session.call("model.party.party.create", [{"name": "Neu"}], {})
        assert session.call("model.party.party.read", made, ["code"], {})[0]["code"] == f"K{CLIENT_COUNT + 1:05d}"
        session.call("model.party.party.delete", made, {})
        assert session.call("model.party.party.search", [["id", "=", made[0]]], 0, None, None, {}) == []


def test_a_rest_key_opens_tryton_s_rest_interface(tryton: RunningCrm) -> None:
    key = tryton.rest_key("carla")
    url = f"{tryton.base_url}/crm/rest/model/party.party?s=2&f=name"
    assert httpx.get(url, headers={"Authorization": f"Bearer {key}"}, trust_env=False).json()[0]["name"]
    assert httpx.get(url, headers={"Authorization": f"Bearer {key[:-1]}x"}, trust_env=False).status_code == 401


def test_the_web_client_is_served(tryton: RunningCrm, tryton_web_client: Path) -> None:
    page = httpx.get(tryton.base_url + "/", trust_env=False)
    assert "dist/tryton-sao.js" in page.text
    assert httpx.get(tryton.base_url + "/dist/tryton-sao.js", trust_env=False).status_code == 200
    assert (tryton_web_client / "index.html").is_file()


def test_passwords_and_database_are_readable_by_their_owner_only(tryton: RunningCrm) -> None:
    assert stat.S_IMODE(tryton.folder.stat().st_mode) == 0o700
    for name in ("passwords.json", "crm.sqlite"):
        assert stat.S_IMODE((tryton.folder / name).stat().st_mode) == 0o600


def test_a_kept_copy_goes_on_with_its_passwords_and_changes(prepared_tryton: PreparedCrm, tmp_path: Path) -> None:
    first = start(prepared_tryton, tmp_path / "crm")
    with first.log_in(ANNA.login) as session:
        made = session.call("model.party.party.create", [{"name": "Bleibt"}], {})
    first.stop()
    second = start(prepared_tryton, tmp_path / "crm", keep=True)
    try:
        assert second.passwords == first.passwords
        with second.log_in(ANNA.login) as session:
            assert session.call("model.party.party.read", made, ["name"], {})[0]["name"] == "Bleibt"
    finally:
        second.stop()


def test_stop_ends_the_process_and_may_be_called_twice(start_tryton: Callable[[], RunningCrm]) -> None:
    running = start_tryton()
    running.stop()
    running.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


def test_a_taken_port_is_one_clear_line(prepared_tryton: PreparedCrm, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DemoError, match=f"Port {port} is taken") as error:
            start(prepared_tryton, tmp_path / "crm", port=port)
    assert "\n" not in str(error.value)


def test_preparing_again_does_nothing(prepared_tryton: PreparedCrm) -> None:
    said: list[str] = []
    again = prepare(cache_folder(), uv=None, progress=said.append, web_client=prepared_tryton.web_root is not None)
    assert again == prepared_tryton
    assert said == []


def test_a_half_made_database_is_made_anew(prepared_tryton: PreparedCrm, tmp_path: Path) -> None:
    """The stamp is written last: a template without it, or of other clients, is not used."""
    root = tmp_path / "demo"
    (root / "tryton").mkdir(parents=True)
    (root / "tryton" / "env").symlink_to(prepared_tryton.root / "tryton" / "env")
    template = root / "tryton" / "template"
    template.mkdir()
    (template / "crm.sqlite").write_bytes(b"half")
    (template / "stamp.json").write_text(json.dumps({"content": "of another release", "party_ids": [7]}))
    crm = prepare(root, uv=None, progress=print, web_client=False)
    assert crm.web_root is None
    assert len(crm.party_ids) == CLIENT_COUNT
    running = start(crm, tmp_path / "run")
    try:
        with running.log_in("felix") as session:
            assert session.call("model.party.party.search_count", [], 0, None, {}) == CLIENT_COUNT
    finally:
        running.stop()


def test_a_failing_installer_is_one_clear_line(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'error: no route to the package index' >&2\nexit 2\n")
    uv.chmod(0o700)
    with pytest.raises(DemoError, match="could not be installed: error: no route to the package index") as error:
        prepare(tmp_path / "demo", uv=uv, progress=print, web_client=False)
    assert "\n" not in str(error.value)


def test_the_owner_may_administer_parties_and_a_manager_may_not(tryton: RunningCrm) -> None:
    owner = next(person for person in PEOPLE if person.role is Role.OWNER)
    groups = {}
    for login in (owner.login, ANNA.login):
        with tryton.log_in(login) as session:
            groups[login] = session.call("model.res.user.get_preferences", True, {}).get("groups")
    assert groups[owner.login] != groups[ANNA.login]
