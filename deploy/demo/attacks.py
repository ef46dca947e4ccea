"""Six attacks to try by hand, each with the answer to expect; `ONCE=1` plays them and checks that answer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from deploy.demo.ceremony import act_of
from deploy.demo.crm import RunningCrm
from deploy.demo.firm import Firm
from deploy.demo.loopback import client
from deploy.demo.people import PEOPLE, book_of
from deploy.demo.tryton_rpc import DATABASE, TrytonSession

FIELDS = ["name", "phone", "email"]
ATTACKER = next(person for person in PEOPLE if person.login == "dmitri")
"""A manager who is in no other part of the demo."""
VICTIM = next(person for person in PEOPLE if person.login == "carla")


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack."""

    name_de: str
    name_en: str
    command: str
    """To paste into a terminal."""
    expect_de: str
    expect_en: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attack as it is played: what went wrong, empty if it was stopped as promised."""

    attack: Attack
    faults: list[str]


class Attacks:
    """The attacks of one running demo, in the name of a manager who is signed in at the gateway."""

    def __init__(self, firm: Firm, crm: RunningCrm) -> None:
        self._firm = firm
        self._crm = crm
        self._session = TrytonSession(firm.crm_url, ATTACKER.login, crm.passwords[ATTACKER.login])
        self._crm_http = client(firm.crm_url)
        self._torwart_http = client(firm.torwart_url)
        header = firm.folder / "attacker.header"
        header.touch(mode=0o600)
        header.write_text(f"Authorization: {self._session.authorization}\n", encoding="utf-8")
        cookie = firm.folder / "attacker.cookie"
        cookie.touch(mode=0o600)
        cookie.write_text(f"Cookie: {self._cookie()}\n", encoding="utf-8")
        self._header, self._cookie_file = header, cookie
        self._victims_client = book_of(VICTIM.login, crm.party_ids)[0]

    def all(self) -> list[Attack]:
        """The six, ready to paste."""
        return [attack for attack, _ in self._pairs()]

    def play(self) -> list[Attempt]:
        """Try each; every one must be stopped."""
        attempts = []
        for attack, check in self._pairs():
            faults = check()
            attempts.append(Attempt(attack, [faults] if faults else []))
        return attempts

    def _pairs(self) -> list[tuple[Attack, Callable[[], str | None]]]:
        everything = self._rpc("model.party.party.search_read", [], 0, None, None, FIELDS, {})
        asked = self._rpc("model.party.party.search", [["rec_name", "ilike", "+49 171%"]], 0, 100, None, {})
        card = self._rpc("model.party.party.read", [self._victims_client], FIELDS, {})
        double = f"/{DATABASE}/data/party.party?" + urlencode([("d", "[]"), ("d", '[["id","=",1]]'), *(("f", f) for f in FIELDS)])
        rpc = f"{self._firm.crm_url}/{DATABASE}/rpc/"
        json_type = "Content-Type: application/json"
        session = f"@{self._header}"
        return [
            (
                Attack(
                    "Alles, ohne Grenze",
                    "Everything, without a limit",
                    _curl(rpc, session, json_type, everything),
                    "401 und ein Vorgang, der auf den Schlüssel wartet; kein Kunde",
                    "401 and an act that waits for the key; no client",
                ),
                lambda: self._stopped(self._post(everything), 401),
            ),
            (
                Attack(
                    "Verdeckte Nummern erfragen",
                    "Asking for masked numbers",
                    _curl(rpc, session, json_type, asked),
                    'nichts gefunden: "result":[]',
                    'nothing found: "result":[]',
                ),
                lambda: None if self._result(self._post(asked)) == [] else "the question was answered",
            ),
            (
                Attack(
                    "Derselbe Aufruf als text/plain",
                    "The same call as text/plain",
                    _curl(rpc, session, "Content-Type: text/plain", everything),
                    "400, nichts erreicht das CRM",
                    "400, nothing reaches the CRM",
                ),
                lambda: self._stopped(self._post(everything, "text/plain"), 400),
            ),
            (
                Attack(
                    f"Die eigene Sitzung unter dem Namen von {VICTIM.name}",
                    f"One's own session under the name of {VICTIM.name}",
                    _curl(rpc, f"@{self._cookie_file}", json_type, card),
                    "deren Kunde mit verdeckter Nummer: der Name im Cookie zählt nicht",
                    "her client with a masked number: the name in the cookie does not count",
                ),
                lambda: self._masked(self._post(card, cookie=self._cookie())),
            ),
            (
                Attack(
                    "Zweimal d= in der CSV-Adresse",
                    "d= twice in the CSV address",
                    f"curl -s -i -H {session} {shlex.quote(self._firm.crm_url + double)}",
                    "400, nichts erreicht das CRM",
                    "400, nothing reaches the CRM",
                ),
                lambda: self._stopped(self._crm_http.get(double, headers={"authorization": self._session.authorization}), 400),
            ),
            (
                Attack(
                    "Eine Unterschrift von der Adresse des CRM",
                    "A signature made on the CRM's address",
                    self._forgery_command(rpc, session, json_type, everything),
                    "403, der Vorgang bleibt angehalten",
                    "403, the act stays held",
                ),
                lambda: self._forged(everything),
            ),
        ]

    def _cookie(self) -> str:
        return f"tryton_session={VICTIM.login}:{self._session.user_id}:{self._session.token}"

    def _rpc(self, method: str, *params: Any) -> str:
        return json.dumps({"id": 1, "method": method, "params": list(params)}, separators=(",", ":"))

    def _post(self, body: str, kind: str = "application/json", cookie: str | None = None) -> httpx.Response:
        proof = {"cookie": cookie} if cookie else {"authorization": self._session.authorization}
        return self._crm_http.post(f"/{DATABASE}/rpc/", content=body, headers={"content-type": kind, **proof})

    def _stopped(self, answer: httpx.Response, status: int) -> str | None:
        if answer.status_code != status:
            return f"status {answer.status_code} instead of {status}"
        if any(canary in answer.text for canary in self._firm.canaries):
            return "client data came back"
        if status == 401:
            self._own("cancel", act_of(answer), {})
        return None

    def _result(self, answer: httpx.Response) -> Any:
        return answer.json().get("result", answer.text) if answer.status_code == 200 else answer.status_code

    def _masked(self, answer: httpx.Response) -> str | None:
        rows = self._result(answer)
        if not isinstance(rows, list) or len(rows) != 1:
            return f"no card came back ({rows})"
        return None if "•" in str(rows[0]["phone"]) and "•" in str(rows[0]["email"]) else "the number is clear"

    def _forged(self, body: str) -> str | None:
        held = self._post(body)
        act_id = act_of(held)
        options = self._own("begin", act_id, {}).json()["options"]
        signed = self._torwart_http.post("/demo/forge", json={"options": options}, headers=self._same_origin())
        answer = self._own("complete", act_id, {"response": signed.json()})
        self._own("cancel", act_id, {})
        return None if answer.status_code == 403 else f"the signature was answered with {answer.status_code}"

    def _own(self, step: str, act_id: str, body: dict[str, Any]) -> httpx.Response:
        return self._torwart_http.post(f"/api/acts/{act_id}/{step}", json=body, headers=self._same_origin())

    def _same_origin(self) -> dict[str, str]:
        return {"origin": self._firm.torwart_url}

    def _forgery_command(self, rpc: str, session: str, json_type: str, body: str) -> str:
        own = self._firm.torwart_url
        post = f"curl -s -H {shlex.quote(json_type)} -H 'Origin: {own}'"
        return (
            f"ACT=$({_curl(rpc, session, json_type, body)} | grep -o '/act/[A-Za-z0-9_-]*' | head -1 | cut -d/ -f3); "
            f"{post} -d '{{}}' {own}/api/acts/$ACT/begin | {post} -d @- {own}/demo/forge | "
            f"sed 's/^/{{\"response\":/; s/$/}}/' | {post} -i -d @- {own}/api/acts/$ACT/complete"
        )


def _curl(url: str, proof: str, kind: str, body: str) -> str:
    return f"curl -s -i -H {proof} -H {shlex.quote(kind)} -d {shlex.quote(body)} {url}"
