"""The drill: who could recover what, if it had to be today. It changes nothing and uses nothing up."""

from __future__ import annotations

import smtplib
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from auth.codes import Codes
from auth.console_sessions import may_sign_in
from auth.mail_server import MailSettings, mail_server
from auth.recovery import APPROVER_ROLES
from auth.recovery_tables import Notice
from auth.storage import database_now, reading
from auth.tables import Key, Person
from auth.usable_keys import people_with_voice

MAIL_SECONDS = 10.0
OLD_ENVELOPE = timedelta(days=365)
"""Older than that, nobody knows any more where it lies."""


@dataclass(frozen=True, slots=True)
class Ready:
    """One person."""

    pseudonym: str
    roles: tuple[str, ...]
    keys: int
    """That can be used."""
    codes: int
    app: str
    others: int
    """Who could say yes to a new key."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the drill found."""

    people: tuple[Ready, ...]
    envelope: str | None
    """When it was sealed; None: there is none."""
    mail: str
    """`works`, `not asked`, `none`, or the kind of the error."""
    findings: tuple[str, ...]
    """What is missing, each with what to do."""

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def drill(engine: Engine, codes: Codes, mail: MailSettings | None, *, asked: bool = True, host: str = "torwart.localhost") -> Report:
    """Look at everything that a recovery needs. `asked`: log in at the mail server of `mail`, without sending anything."""
    with reading(engine) as session:
        now = database_now(session)
        people = [person for person in session.scalars(select(Person).order_by(Person.pseudonym)) if may_sign_in(person)]
        usable = session.execute(select(Key.person_id, func.count()).where(Key.locked_at.is_(None)).group_by(Key.person_id))
        keys = dict(usable.tuples().all())
        voices = set(session.scalars(people_with_voice()))
        stuck = session.scalar(select(func.count()).select_from(Notice).where(Notice.sent_at.is_(None), Notice.tries > 1)) or 0
    able = {person.id for person in people if person.id in voices and not {*APPROVER_ROLES}.isdisjoint(person.roles)}
    rows = tuple(
        Ready(
            person.pseudonym,
            tuple(person.roles),
            keys.get(person.id, 0),
            codes.recovery_codes.left(person.id),
            codes.totp.state(person.id).value,
            len(able - {person.id}),
        )
        for person in people
    )
    findings = [finding for row in rows for finding in _of_person(row)]
    if len(able) < 2:
        findings.append(f"{len(able)} with the role owner or admin has a key: a second one is needed, torwart people token PERSON")
    sealed = codes.glasses.sealed()
    if sealed is None:
        findings.append("no emergency envelope is sealed: torwart people break-glass")
    elif now - sealed.sealed_at > OLD_ENVELOPE:
        findings.append("the emergency envelope is older than a year: see whether it is there, then torwart people break-glass")
    if codes.glasses.in_use():
        findings.append("an emergency access is in use: torwart people break-glass --end when it is not needed any more")
    road = _mail_road(mail, host) if asked else "not asked"
    if road not in ("works", "not asked"):
        findings.append(f"the mail road does not work ({road}): nobody would hear of a recovery; look at the section mail")
    if stuck:
        findings.append(f"{stuck} mails about recoveries have not arrived: look at the section mail")
    return Report(rows, sealed.sealed_at.isoformat(timespec="minutes") if sealed else None, road, tuple(findings))


def _of_person(row: Ready) -> list[str]:
    found = []
    if row.keys == 0:
        found.append(f"{row.pseudonym} has no key: torwart people token {row.pseudonym}")
    elif row.keys == 1:
        found.append(f"{row.pseudonym} has one key only: a second one in a safe place spares the recovery")
    if row.codes == 0:
        found.append(f"{row.pseudonym} has no recovery codes: page /codes, or torwart people codes {row.pseudonym}")
    if row.app == "locked":
        found.append(f"the app of {row.pseudonym} is locked: torwart people totp {row.pseudonym} --remove")
    if row.others == 0:
        found.append(f"nobody could say yes to a new key for {row.pseudonym}: another owner or admin with a key is needed")
    return found


def _mail_road(mail: MailSettings | None, host: str) -> str:
    """Whether the mail server lets us in; nothing is sent."""
    if mail is None:
        return "none"
    try:
        with mail_server(mail, host, MAIL_SECONDS) as server:
            server.noop()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return type(error).__name__
    return "works"
