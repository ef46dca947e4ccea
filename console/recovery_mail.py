"""Recoveries and the envelope end in time; who has to know, also of a new key or address, gets a mail: reviewers, the person, outside.

Each mail is a row before it is sent (`auth.notices`); a mail server that is down is tried again and again. A mail names people by
pseudonym, and its link only shows a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audit_store.event import Event, EventAction, plain_event
from auth.break_glass import BreakGlasses
from auth.console_sessions import may_sign_in
from auth.notices import OLD, NoticeKind
from auth.recovery import Recoveries
from auth.recovery_tables import Notice
from auth.storage import database_now, reading, writing
from auth.tables import Person
from console.delivery import DeliveryError
from console.visitor import REVIEWERS

type Send = Callable[[str, str, datetime, Sequence[str]], object]
"""Subject, text, time, addresses. Raises DeliveryError."""
OLD_ADDRESS_TRIES = 5
"""How often the address of before is tried: one that was a slip of the pen never takes a mail, and the others have theirs."""
PAUSES_SECONDS = (2, 15, 60, 300, 900)
"""After each failed try; the last one again and again."""
TEXTS: dict[str, dict[str, tuple[str, str]]] = {
    "de": {
        "opened": (
            "Torwart: Schlüssel als verloren gemeldet",
            "Für {person} wurde ein Schlüssel als verloren gemeldet. Frühestens am {ready_at} und nur mit dem Ja einer weiteren Person "
            "wird ein neuer Schlüssel eingelassen; {lost} bisherige werden dann gesperrt.\n\n"
            "War das nicht so gemeint? Hier lässt es sich anhalten: {link}",
        ),
        "done": (
            "Torwart: neuer Schlüssel eingelassen",
            "{person} kann jetzt einen neuen Schlüssel registrieren. War das nicht so gemeint? Frieren Sie den Zugang ein: {link}",
        ),
        "cancelled": ("Torwart: Wiederherstellung angehalten", "Der neue Schlüssel für {person} wurde angehalten. Mehr: {link}"),
        "codes": (
            "Torwart: neue Codes für den Notfall",
            "Für {person} wurden {codes} neue Codes ausgegeben; die bisherigen gelten nicht mehr. War das nicht so gemeint? Mehr: {link}",
        ),
        "key": (
            "Torwart: neuer Schlüssel registriert",
            "Für {person} wurde ein Schlüssel registriert. Wer ihn hat, kann in diesem Namen bestätigen und zustimmen. War das nicht so "
            "gemeint? Sperren Sie ihn: {link}",
        ),
        "address": (
            "Torwart: andere E-Mail-Adresse",
            "Die E-Mail-Adresse von {person} wurde geändert; Mails von Torwart gehen ab jetzt an die neue, und auch die alte "
            "bekommt eine Nachricht. War das nicht so gemeint? Fragen Sie nach, wer sie geändert hat: {link}",
        ),
        "old_address": (
            "Torwart: Ihre E-Mail-Adresse wurde geändert",
            "Mails von Torwart an {person} gehen nicht mehr an diese Adresse, sondern an eine andere. Haben Sie das nicht gewollt? "
            "Sagen Sie es sofort Ihrer Leitung, persönlich oder am Telefon: Jemand könnte in Ihrem Namen einen Schlüssel bestellen.",
        ),
        "totp_locked": (
            "Torwart: App für Codes gesperrt",
            "Die App für Codes von {person} ist nach {failures} falschen Codes gesperrt. Jemand könnte raten. Mehr: {link}",
        ),
        "break_glass_used": (
            "ALARM Torwart: Umschlag für den Notfall geöffnet",
            "Mit dem Code aus dem Umschlag wurde {person} bis {until} zum Administrator gemacht. Wissen Sie davon? Wenn nicht: sofort "
            "einfrieren, „torwart people break-glass --end“, dann einen neuen Umschlag versiegeln. Mehr: {link}",
        ),
        "break_glass_ended": (
            "Torwart: Zugang aus dem Umschlag beendet",
            "{person} ist nicht mehr Administrator aus dem Umschlag. Versiegeln Sie jetzt einen neuen: torwart people break-glass",
        ),
    },
    "en": {
        "opened": (
            "Torwart: a key was reported lost",
            "A key of {person} was reported lost. Not before {ready_at}, and only with another person's yes, a new key is let in; "
            "{lost} earlier ones are locked then.\n\nNot meant so? It can be stopped here: {link}",
        ),
        "done": (
            "Torwart: a new key was let in",
            "{person} can register a new key now. Not meant so? Freeze the access: {link}",
        ),
        "cancelled": ("Torwart: a recovery was stopped", "The new key for {person} was stopped. More: {link}"),
        "codes": (
            "Torwart: new recovery codes",
            "{codes} new codes were made for {person}; the earlier ones are void. Not meant so? More: {link}",
        ),
        "key": (
            "Torwart: a key was registered",
            "A key was registered for {person}. Whoever has it can confirm and approve in this name. Not meant so? Have it locked: {link}",
        ),
        "address": (
            "Torwart: another e-mail address",
            "The e-mail address of {person} was changed; mails of Torwart go to the new one from now on, and the old one gets a message "
            "too. Not meant so? Ask who has changed it: {link}",
        ),
        "old_address": (
            "Torwart: your e-mail address was changed",
            "Mails of Torwart to {person} go to this address no longer, but to another one. Not meant so? Tell your management at once, in "
            "person or by telephone: somebody could ask for a key in your name.",
        ),
        "totp_locked": (
            "Torwart: an app for codes was locked",
            "The app for codes of {person} was locked after {failures} wrong codes. Somebody may be guessing. More: {link}",
        ),
        "break_glass_used": (
            "ALARM Torwart: the emergency envelope was opened",
            "With the code from the envelope {person} was made an administrator until {until}. Do you know of it? If not: freeze at once, "
            "“torwart people break-glass --end”, then seal a new envelope. More: {link}",
        ),
        "break_glass_ended": (
            "Torwart: the emergency access has ended",
            "{person} is no administrator by the envelope any more. Seal a new one now: torwart people break-glass",
        ),
    },
}
"""Language -> kind of notice -> subject, text."""


class RecoveryMail:
    """One step every few seconds."""

    def __init__(
        self,
        engine: Engine,
        record: Callable[[Event], object],
        recoveries: Recoveries,
        glasses: BreakGlasses,
        send: Send | None,
        *,
        outside: Sequence[str],
        torwart_url: str,
    ) -> None:
        """`send` hands a mail over; None: there is none, and only the record and the pages tell. `outside`: addresses for the envelope."""
        self._engine = engine
        self._record = record
        self._recoveries = recoveries
        self._glasses = glasses
        self._send = send
        self._outside = tuple(outside)
        self._url = torwart_url.rstrip("/")

    def step(self) -> None:
        """End what is over, send what is due. Raises DeliveryError where the mail server took one for nobody: it is tried again."""
        self._recoveries.expire()
        self._glasses.end()
        if self._send is None:
            return
        failed: DeliveryError | None = None
        with reading(self._engine) as session:
            now = database_now(session)
            due = list(session.scalars(select(Notice).where(Notice.sent_at.is_(None), Notice.next_at <= now).order_by(Notice.made_at)))
        for notice in due:
            pause = PAUSES_SECONDS[min(notice.tries, len(PAUSES_SECONDS) - 1)]
            self._note(notice.id, tries=notice.tries + 1, next_at=now + timedelta(seconds=pause))
            try:
                told = self._tell(self._send, notice)
            except DeliveryError as error:
                self._note(notice.id, error=str(error)[:200])
                if notice.kind != NoticeKind.OLD_ADDRESS or notice.tries + 1 < OLD_ADDRESS_TRIES:
                    failed = error
                    continue
                told = 0
            kept = {"error": None} if told else {}
            self._note(notice.id, sent_at=now, **kept, facts={name: fact for name, fact in notice.facts.items() if name != OLD})
            facts: dict[str, int | str] = {"kind": notice.kind, "told": told}
            subject, outcome = self._pseudonym(notice.person_id), "success" if told else "failure"
            at = datetime.now(UTC)
            self._record(plain_event(EventAction.RECOVERY_NOTIFIED, at=at, subject=subject, outcome=outcome, numbers=facts))
        if failed is not None:
            raise failed

    def _tell(self, send: Send, notice: Notice) -> int:
        """One mail for each language; how many addresses. Raises DeliveryError."""
        with reading(self._engine) as session:
            person = session.get_one(Person, notice.person_id)
            if notice.kind == NoticeKind.OLD_ADDRESS:
                subject, text = TEXTS[_language(person)][notice.kind]
                send(subject, text.format_map({"person": person.pseudonym}) + "\n", datetime.now(UTC), [str(notice.facts[OLD])])
                return 1
            by_language = self._addresses(session, notice, person)
        told = 0
        for language, addresses in by_language.items():
            subject, text = TEXTS[language][notice.kind]
            facts = {**notice.facts, "person": person.pseudonym, "link": f"{self._url}/people/{person.id}"}
            send(subject, text.format_map(facts) + "\n", datetime.now(UTC), addresses)
            told += len(addresses)
        reached = {address for addresses in by_language.values() for address in addresses}
        own = [person.email] if notice.to_person and may_sign_in(person) and person.email not in reached else []
        if own:  # the person has no page about people, but the own keys and codes
            subject, text = TEXTS[_language(person)][notice.kind]
            facts = {
                **notice.facts,
                "person": person.pseudonym,
                "link": f"{self._url}/{'keys' if notice.kind in (NoticeKind.KEY, NoticeKind.ADDRESS) else 'codes'}",
            }
            send(subject, text.format_map(facts) + "\n", datetime.now(UTC), own)
        return told + len(own)

    def _addresses(self, session: Session, notice: Notice, person: Person) -> dict[str, list[str]]:
        """Language -> reviewers, and for the envelope the addresses outside, each once."""
        found: dict[str, list[str]] = {}
        for one in session.scalars(select(Person).order_by(Person.id)):
            if not REVIEWERS.isdisjoint(one.roles) and may_sign_in(one):
                found.setdefault(_language(one), []).append(one.email)
        if notice.outside:
            known = {address for addresses in found.values() for address in addresses}
            found.setdefault(_language(person), []).extend(one for one in self._outside if one not in known)
        return {language: addresses for language, addresses in found.items() if addresses}

    def _pseudonym(self, person_id: str) -> str:
        with reading(self._engine) as session:
            return session.get_one(Person, person_id).pseudonym

    def _note(self, notice_id: str, **changes: Any) -> None:
        with writing(self._engine) as session:
            notice = session.get_one(Notice, notice_id)
            for name, value in changes.items():
                setattr(notice, name, value)


def _language(person: Person) -> str:
    return "en" if person.language == "en" else "de"
