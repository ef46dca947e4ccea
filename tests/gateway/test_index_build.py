"""The index of a real Tryton's clients, and of a table as they would be exported."""

import asyncio
from pathlib import Path

import pytest

from deploy.demo.clients import CLIENT_COUNT, all_clients
from deploy.demo.crm import DATABASE, RunningCrm
from detectors.client_index.build import Built
from detectors.client_index.index import ClientIndex
from gateway.crm.profile import Batch, FullRead, FullReadError
from gateway.crm.profiles.tryton import profile
from gateway.index_build import build_from_crm, build_from_table
from gateway.settings import CrmSettings

TRYTON = profile(database=DATABASE, owner_field=None)


def settings(upstream: str = "http://127.0.0.1:1") -> CrmSettings:
    return CrmSettings(url="http://crm.localhost:8400", upstream=upstream, regions=("DE", "GB", "RU"))


def test_every_client_of_a_real_crm_is_recognised(tryton: RunningCrm, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    reading = build_from_crm(
        tmp_path, settings(tryton.base_url), TRYTON, "admin", tryton.passwords["admin"], lambda done, total: steps.append((done, total))
    )
    built = asyncio.run(reading)
    assert built.clients >= CLIENT_COUNT
    assert steps[-1][0] == steps[-1][1] >= CLIENT_COUNT
    index = ClientIndex(tmp_path)
    by_phone, by_email, by_name = 0, 0, 0
    for client in all_clients():
        party = str(tryton.party_ids[client.number])
        by_phone += party in index.find(f"call {client.phone}").clients
        by_email += party in index.find(f"write to {client.email}").clients
        by_name += "name" in index.find(f"{client.name}: {client.phone}").clients.get(party, set())
    assert (by_phone, by_email, by_name) == (CLIENT_COUNT, CLIENT_COUNT, CLIENT_COUNT)


def test_a_deactivated_client_is_still_known(tryton: RunningCrm, tmp_path: Path) -> None:
    client = all_clients()[41]
    party = tryton.party_ids[client.number]
    with tryton.log_in("admin") as session:
        session.call("model.party.party.write", [party], {"active": False}, {})
    asyncio.run(build_from_crm(tmp_path, settings(tryton.base_url), TRYTON, "admin", tryton.passwords["admin"], lambda done, total: None))
    assert str(party) in ClientIndex(tmp_path).find(client.phone).clients


def test_a_wrong_password_is_one_clear_line(tryton: RunningCrm, tmp_path: Path) -> None:
    reading = build_from_crm(tmp_path, settings(tryton.base_url), TRYTON, "admin", "wrong password", lambda done, total: None)
    with pytest.raises(FullReadError, match="account and password") as raised:
        asyncio.run(reading)
    assert "wrong password" not in str(raised.value)
    assert not (tmp_path / "index" / "clients.idx").exists()


def test_a_table_of_all_clients_gives_the_same_recognition(tmp_path: Path) -> None:
    table = tmp_path / "clients.csv"
    rows = (f"{client.code};{client.name};{client.phone};{client.email}" for client in all_clients())
    table.write_text("Nr.;Name;Telefon;E-Mail\n" + "\n".join(rows) + "\n", encoding="utf-8")
    built = build_from_table(tmp_path / "state", settings(), table, {}, lambda done, total: None)
    index = ClientIndex(tmp_path / "state")
    found = index.find(table.read_text("utf-8")).clients
    assert built.clients == len(found) == CLIENT_COUNT
    assert {client.code for client in all_clients()} == set(found)


def test_an_account_that_sees_no_client_replaces_no_index_that_knows_some(tmp_path: Path) -> None:
    class Blind:
        def full_read(self, account: str, password: str) -> FullRead:
            yield Batch([], 0, 0)

    def read() -> Built:
        return asyncio.run(build_from_crm(tmp_path, settings(), Blind(), "anna", "x", lambda done, total: None))  # type: ignore[arg-type]

    assert read().clients == 0  # the firm's first day
    (tmp_path / "clients.csv").write_text("id;phone\n7;030 1234567\n", encoding="utf-8")
    build_from_table(tmp_path, settings(), tmp_path / "clients.csv", {}, lambda done, total: None)
    with pytest.raises(FullReadError, match=r"showed anna no client .* but 1 are known"):
        read()
    assert ClientIndex(tmp_path).find("030 1234567").clients.keys() == {"7"}
