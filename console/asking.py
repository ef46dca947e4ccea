"""Requests for approval end in time, and whoever may answer one, or asked it, is told by mail.

A mail names nobody but by pseudonym, holds no client, and its link only shows the page: what fetches it ahead approves nothing (promises
F90). Each request is told of once; a mail server that is down is tried again at the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from audit_store.pseudonyms import Pseudonyms
from auth.approval_tables import ApprovalRequest
from auth.approvals import Approvals
from auth.reveals import Reveals
from auth.sole_reviewer import SoleReviewer
from auth.tables import Person
from console.delivery import DeliveryError

type Send = Callable[[str, str, datetime, Sequence[str]], object]
"""Subject, text, time, addresses. Raises DeliveryError."""
_TEXTS = {
    "de": {
        "subject": "Torwart: Ihre Zustimmung wird erbeten",
        "text": "{who} bittet um Zustimmung. Sehen Sie sich an, worum es geht, und antworten Sie mit Ihrem Schlüssel:\n\n{link}\n\n"
        "Der Link zeigt nur die Seite; er stimmt nichts zu.\n",
        "answered": "Torwart: Antwort auf Ihre Bitte um Zustimmung",
        "given": "Zugestimmt. Wiederholen Sie den Schritt; er geht einmal weiter.\n\n{link}\n",
        "refused": "Abgelehnt. Nichts hat das Haus verlassen.\n\n{link}\n",
        "nobody": "Die Kommandozeile",
        "revealed_subject": "Torwart: Name hinter einem Pseudonym gezeigt",
        "revealed": "{who} wurde der Name hinter {about} gezeigt.\n\nFall: {case}\nGrund: {reason}\nZugestimmt: {others}\n",
        "alone_subject": "Torwart: Vorgang ohne zweite Person",
        "alone": "In dieser Firma gibt es niemanden, der dem als zweite Person zustimmen könnte. Deshalb erfahren Sie davon.\n\n"
        "Wer: {who}\nWas: {what}, {clients} Kunden\nGrund: {reason}\nNummer: {id}\n\n"
        "Frühestens in {hours} Stunden kann es freigegeben werden. Fragen Sie vorher nach, wenn Ihnen etwas daran auffällt.\n",
    },
    "en": {
        "subject": "Torwart: your approval is asked for",
        "text": "{who} asks for approval. See what it is about, and answer with your key:\n\n{link}\n\n"
        "The link only shows the page; it approves nothing.\n",
        "answered": "Torwart: the answer to your request for approval",
        "given": "Approved. Repeat the step; it goes on once.\n\n{link}\n",
        "refused": "Turned down. Nothing has left the house.\n\n{link}\n",
        "nobody": "The command line",
        "revealed_subject": "Torwart: the name behind a pseudonym was shown",
        "revealed": "{who} was shown the name behind {about}.\n\nCase: {case}\nReason: {reason}\nApproved by: {others}\n",
        "alone_subject": "Torwart: something without a second person",
        "alone": "In this firm there is nobody who could approve this as a second person. That is why you are told.\n\n"
        "Who: {who}\nWhat: {what}, {clients} clients\nReason: {reason}\nNumber: {id}\n\n"
        "It can be released in {hours} hours at the earliest. Please ask before then if anything about it strikes you.\n",
    },
}


class Asking:
    """One step every few seconds."""

    def __init__(
        self,
        approvals: Approvals,
        pseudonyms: Pseudonyms,
        send: Send | None,
        *,
        torwart_url: str,
        now: Callable[[], datetime],
        sole: SoleReviewer | None = None,
        language: str = "de",
        reveals: Reveals | None = None,
        officer: str | None = None,
    ) -> None:
        """`send` hands a mail over; None: there is no mail, and the pages alone say that something waits. `sole` names the address outside
        that is told, in this language, of what one person may approve alone; `officer` is told of every name that was shown (`reveals`)."""
        self._sole = sole
        self._reveals = reveals
        self._officer = officer
        self._language = language
        self._approvals = approvals
        self._pseudonyms = pseudonyms
        self._send = send
        self._url = torwart_url
        self._now = now

    def step(self) -> None:
        """End what is over, and tell whoever was not told yet. Raises DeliveryError: the next step tries again."""
        self._approvals.expire()
        if self._send is None:
            return
        failed = self._outside(self._send)
        for request, people in self._approvals.untold():
            try:
                for person in people:
                    self._tell(self._send, request, person)
            except DeliveryError as error:  # the others are told all the same
                failed = error
                continue
            self._approvals.told(request.id)
        officer = self._officer
        for request in self._reveals.untold() if self._reveals is not None and officer is not None else ():
            try:
                self._officer_told(self._send, request, officer or "")
            except DeliveryError as error:
                failed = error
                continue
            self._approvals.told(request.id)
        for request, person in self._approvals.unanswered():
            try:
                self._answer(self._send, request, person)
            except DeliveryError as error:
                failed = error
                continue
            self._approvals.told(request.id, answer=True)
        if failed is not None:
            raise failed

    def _outside(self, send: Send) -> DeliveryError | None:
        """Tell the address outside; only what was handed over begins its delay."""
        if self._sole is None:
            return None
        for request in self._approvals.unnoticed():
            try:
                texts = _TEXTS.get(self._language, _TEXTS["en"])
                who = self._pseudonyms.of(request.requester_id) if request.requester_id else texts["nobody"]
                shown = request.shown
                facts = {"who": who, "what": f"{request.kind} {shown['action']}", "clients": shown["allowed"], "reason": request.reason}
                text = texts["alone"].format(**facts, hours=f"{self._sole.delay_hours:g}", id=request.id)
                lines = "".join(f"\n- {line}" for line in shown["lines"])
                send(texts["alone_subject"], text + lines + ("\n" if lines else ""), self._now(), [self._sole.address])
            except DeliveryError as error:
                return error
            self._approvals.noticed(request.id)
        return None

    def _officer_told(self, send: Send, request: ApprovalRequest, officer: str) -> None:
        texts = _TEXTS.get(self._language, _TEXTS["en"])
        who, about = (self._pseudonyms.of(one) if one else "–" for one in (request.requester_id, request.subject_id))
        answers = [given for given in self._approvals.answers(request.id) if given.yes]
        others = ", ".join(self._pseudonyms.of(given.approver_id) for given in answers)
        text = texts["revealed"].format(who=who, about=about, others=others, case=request.shown["lines"][0], reason=request.reason)
        send(texts["revealed_subject"], text, self._now(), [officer])

    def _tell(self, send: Send, request: ApprovalRequest, person: Person) -> None:
        texts = _texts(person)
        who = self._pseudonyms.of(request.requester_id) if request.requester_id else texts["nobody"]
        text = texts["text"].format(who=who, link=f"{self._url}/approvals/{request.id}")
        send(texts["subject"], text, self._now(), [person.email])

    def _answer(self, send: Send, request: ApprovalRequest, person: Person) -> None:
        texts = _texts(person)
        text = texts["refused" if request.state == "refused" else "given"].format(link=f"{self._url}/approvals/{request.id}")
        send(texts["answered"], text, self._now(), [person.email])


def _texts(person: Person) -> dict[str, str]:
    return _TEXTS.get(person.language, _TEXTS["en"])
