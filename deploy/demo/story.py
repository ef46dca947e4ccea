"""The story of manager A: an ordinary morning, an allowed export, five tries to take everything, two to carry the export out of the
house, and what the firm sees.

Every step says what was tried, what was decided and why, how many clients went out, and where to look; each is checked against the CRM,
the record and the bytes received. Nothing here knows a shortcut: A is a client of the gateway like any other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx

from auth.act import Summary
from deploy.demo.ceremony import Popup, act_of
from deploy.demo.crm import RunningCrm
from deploy.demo.firm import Firm
from deploy.demo.loopback import client
from deploy.demo.mailbox import mails
from deploy.demo.people import ANNA, book_of
from deploy.demo.step import Step, Words, soon
from deploy.demo.tryton_rpc import DATABASE, TrytonSession
from deploy.demo.way_out import WayOut
from detectors.mark import PREFIX
from policies.reasons import grouped

FIELDS: Final = ["name", "phone", "email"]
ALLOWED_EXPORT: Final = 40
CARDS_AT_MOST: Final = 60
"""Cards that the script of the story opens before the check gives up."""

_CARRIED: Final = {"mass_export:export_stopped", "way_out:upload_stopped", "way_out:copied_out", "carried_export:export_carried"}
"""Reasons that A's one alert has in the end."""

type Params = list[tuple[str, str | int | float | bool | None]]


class Story:
    """Plays manager A against a running demo."""

    def __init__(self, firm: Firm, crm: RunningCrm, way_out: WayOut) -> None:
        self.firm = firm
        self.way_out = way_out
        self.saved: list[list[str]] = []
        """The rows of the allowed export, as A saved them: name, phone, e-mail."""
        self.crm = crm
        self.own = book_of(ANNA.login, crm.party_ids)
        self.popup = Popup(firm.torwart_url)
        self.session = TrytonSession(firm.crm_url, ANNA.login, crm.passwords[ANNA.login])
        self.rest = client(firm.crm_url)

    def steps(self) -> Iterator[Step]:
        """Play it, step by step."""
        yield self.morning()
        yield self.export_own()
        yield self.export_all()
        yield from self.other_roads()
        yield self.paging()
        yield from self.way_out.steps(self.saved)
        yield self.one_alert()
        yield self.mail()
        yield self.notice_given()

    def close(self) -> None:
        """A goes home."""
        self.session.close()
        self.rest.close()
        self.way_out.close()

    def morning(self) -> Step:
        step = Step(
            ("Ein normaler Morgen", "An ordinary morning"),
            ("Liste der eigenen Kunden, eine Suche, vier Karten", "list of the own clients, a search, four cards"),
            ("erlaubt, keine Meldung", "allowed, no alert"),
        )
        listed = self.session.call("model.party.party.read", self.own[:25], ["name", "email"], {})
        step.expect(len(listed) == 25 and all(_clear(row["email"]) for row in listed), "own clients are not all shown clear")
        found = self.session.call("model.party.party.search", [["rec_name", "ilike", "%a%"]], 0, 20, None, {})
        step.expect(len(found) > 0, "an ordinary search by name found nothing")
        for pause, party in zip((0.4, 1.1, 0.2, 0.7), self.own[:4], strict=True):
            time.sleep(pause)
            card = self.session.call("model.party.party.read", [party], [*FIELDS, "lang", "addresses"], {})
            step.expect(len(card) == 1 and _clear(card[0]["email"]), "an own card is not shown clear")
        foreign = next(i for i in self.crm.party_ids.values() if i not in set(self.own))
        masked = self.session.call("model.party.party.read", [foreign], FIELDS, {})
        step.expect(bool(masked[0]["name"]) and not _clear(masked[0]["phone"]), "the phone of another's client is not masked")
        time.sleep(1.5)
        step.expect(not self.firm.open_alerts(), "an ordinary morning raised an alert")
        return step

    def export_own(self) -> Step:
        step = Step(
            (f"Export von {ALLOWED_EXPORT} eigenen Kunden", f"Export of {ALLOWED_EXPORT} own clients"),
            ("Name, Telefon, E-Mail", "name, phone, e-mail"),
            ("mit dem Schlüssel bestätigt, ausgeliefert mit Kennzeichnung", "confirmed with the key, delivered with a mark"),
        )
        answer = self._export_own()
        step.expect(answer.status_code == 401, f"the export was not held (status {answer.status_code})")
        act_id, seen = self._popup(step, answer)
        step.expect((seen.asked, seen.allowed) == (ALLOWED_EXPORT, ALLOWED_EXPORT), f"the popup names {seen.asked} and {seen.allowed}")
        touched = self.popup.touch(act_id)
        step.expect(touched.status_code == 200, f"the touch was refused ({touched.status_code})")
        _, *rows, last = _result(self._export_own()) or [[], [""]]
        own = self.crm_rows(self.own[:ALLOWED_EXPORT])
        step.expect(sorted(rows) == sorted(own), "the rows are not those of the CRM")
        step.expect(last[0].startswith(PREFIX) and ANNA.name in last[0], "the last row carries no mark of the export")
        again = self._export_own()
        step.expect(again.status_code == 401, "one touch released two exports")
        self.popup.cancel(act_of(again))
        self.saved = rows  # without the mark: whoever takes a file out has seen it
        step.clients_out = len(self.saved)
        step.look = f"{self.firm.torwart_url}/why/{act_id}"
        step.expect(
            soon(lambda: self.firm.released(act_id), lambda out: out == ALLOWED_EXPORT) == ALLOWED_EXPORT,
            "the record does not name 40 clients for this act",
        )
        step.expect(not self.firm.open_alerts(), "an allowed export raised an alert")
        return step

    def export_all(self) -> Step:
        return self._held(
            ("Alle 3.000 exportieren", "Export all 3,000"),
            ("der ganze Bestand", "the whole base"),
            lambda: self._all("export_data_domain", [], FIELDS, 0, None, None, True, {}),
        )

    def other_roads(self) -> Iterator[Step]:
        yield self._held(
            ("Dasselbe unter anderem Namen", "The same under another name"),
            ("search_read ohne Grenze", "search_read without a limit"),
            lambda: self._all("search_read", [], 0, None, None, FIELDS, {}),
        )
        query: Params = [("f", name) for name in FIELDS]
        bearer = {"authorization": f"Bearer {self.firm.rest_key}"}
        road = f"/{DATABASE}/rest/model/party.party"
        yield self._held(
            ("Dasselbe über REST", "The same by REST"),
            ("alle Kunden mit dem REST-Schlüssel", "all clients with the REST key"),
            lambda: self.rest.get(road, params=query, headers=bearer),
        )
        odd: Params = [("d", "[]"), *query, ("enc", "cp037"), ("dl", ";"), ("qc", '"'), ("h", "1"), ("loc", "0")]
        session = {"authorization": self.session.authorization}
        download = f"/{DATABASE}/data/party.party"
        yield self._held(
            ("Dasselbe als CSV in EBCDIC", "The same as CSV in EBCDIC"),
            ("enc=cp037", "enc=cp037"),
            lambda: self.rest.get(download, params=odd, headers=session),
        )

    def paging(self) -> Step:
        step = Step(
            ("Karten blättern per Skript", "Paging through cards by script"),
            ("eine Karte nach der anderen", "card after card"),
        )
        opened = 0
        for party in self.own[100 : 100 + CARDS_AT_MOST]:
            answer = self.session.post("model.party.party.read", [party], FIELDS, {})
            if _result(answer) is None:
                step.decided = (f"nach {opened} gezeigten Karten: {_title(answer)}", f"stopped after {opened} cards were shown")
                break
            opened += 1
        step.expect(0 < opened <= 30, f"{opened} cards were opened by a script")
        step.look = f"{self.firm.torwart_url}/alerts"
        return step

    def one_alert(self) -> Step:
        step = Step(("Was die Firma sieht", "What the firm sees"), ("Meldungen von heute", "today's alerts"))
        alerts = soon(self.firm.open_alerts, lambda found: len(found) == 1 and set(found[0].reasons) >= _CARRIED)
        step.expect(len(alerts) == 1, f"{len(alerts)} alerts are open instead of one")
        if alerts:
            count = len(alerts[0].reasons)
            step.expect(set(alerts[0].reasons) >= _CARRIED, "the alert does not tell of export, upload and stick")
            step.decided = (f"eine Meldung mit {count} Gründen", f"one alert with {count} reasons")
            step.look = f"{self.firm.torwart_url}/alerts/{alerts[0].id}"
            step.expect(alerts[0].severity == "high", f"the severity is {alerts[0].severity}")
        step.expect(not self.firm.problems(), "the record does not verify")
        return step

    def mail(self) -> Step:
        step = Step(("Jemand erfährt es", "Somebody is told"), ("Postfach der Leitung", "the owner's mailbox"))
        step.look = f"{self.firm.torwart_url}/demo/mailbox"
        arrived = soon(lambda: mails(self.firm.mailbox), bool)
        step.expect(bool(arrived), "no mail arrived")
        if arrived:
            step.decided = (f"E-Mail: {arrived[0].subject}", f"mail: {arrived[0].subject}")
            step.expect("3.000" in "".join(mail.text for mail in arrived), "no mail names the 3.000 clients")
            step.expect("Anna" not in "".join(mail.subject + mail.text for mail in arrived), "a mail names the person")
        return step

    def notice_given(self) -> Step:
        step = Step(
            ("Die Leitung trägt ein: gekündigt", "The owner enters: notice given"),
            (f"noch einmal die {ALLOWED_EXPORT} eigenen Kunden", f"the {ALLOWED_EXPORT} own clients once more"),
        )
        self.firm.set_status(ANNA.login, "notice_given")
        answer = self._export_own()
        step.expect(_result(answer) is None and answer.status_code == 403, f"the export was not denied ({answer.status_code})")
        step.decided = (_title(answer), "denied, in neutral words")
        words = answer.text.lower()
        step.expect(not any(hint in words for hint in ("gekündigt", "ausscheid", "notice", "leaving")), "the denial betrays the status")
        alerts = self.firm.open_alerts()
        step.expect(len(alerts) == 1, f"{len(alerts)} alerts are open instead of one")
        return step

    def crm_rows(self, ids: list[int]) -> list[list[Any]]:
        """What the CRM itself, asked past the gateway, says about these clients."""
        with self.crm.log_in(ANNA.login) as direct:
            rows: list[list[Any]] = direct.call("model.party.party.export_data", ids, FIELDS, False, {})
            return rows

    def _held(self, title: Words, tried: Words, attempt: Callable[[], httpx.Response]) -> Step:
        step = Step(title, tried)
        answer = attempt()
        step.expect(answer.status_code == 401, f"not held (status {answer.status_code})")
        step.expect(not _leaks(answer, self.firm.canaries), "client data came back")
        act_id, seen = self._popup(step, answer)
        step.decided = (
            f"angehalten: {grouped(seen.asked, 'de')} angefragt, höchstens {grouped(seen.allowed, 'de')} eigene; nicht bestätigt",
            f"held: {grouped(seen.asked, 'en')} asked for, at most {grouped(seen.allowed, 'en')} own ones; not confirmed",
        )
        step.expect(seen.asked == len(self.crm.party_ids), f"the popup names {seen.asked} clients")
        step.expect(0 < seen.allowed <= len(self.crm.party_ids) // 10, f"the popup would release {seen.allowed} clients")
        step.look = f"{self.firm.torwart_url}/why/{act_id}"
        self.popup.cancel(act_id)
        step.expect(self.firm.released(act_id) == 0, "the record names released clients")
        return step

    def _popup(self, step: Step, answer: httpx.Response) -> tuple[str, Summary]:
        act_id = act_of(answer)
        summary = self.firm.summary(act_id)
        step.expect(self.popup.look(act_id, summary.asked, summary.allowed), "the popup does not name both numbers")
        return act_id, summary

    def _export_own(self) -> httpx.Response:
        return self._all("export_data", self.own[:ALLOWED_EXPORT], FIELDS, True, {})

    def _all(self, method: str, *params: Any) -> httpx.Response:
        return self.session.post(f"model.party.party.{method}", *params)


def _result(answer: httpx.Response) -> Any:
    if answer.status_code != httpx.codes.OK:
        return None
    try:
        return answer.json().get("result")
    except (json.JSONDecodeError, AttributeError):
        return None


def _title(answer: httpx.Response) -> str:
    try:
        body = answer.json()
        return str(body.get("detail") or body.get("title"))
    except (json.JSONDecodeError, AttributeError):
        return f"Status {answer.status_code}"


def _clear(value: Any) -> bool:
    return isinstance(value, str) and "•" not in value and value != ""


def _leaks(answer: httpx.Response, canaries: tuple[str, ...]) -> bool:
    return any(canary in answer.text for canary in canaries)
