"""What the pages work with, made once per process from the installation."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, func, select

import audit_store.tables
import auth.tables
from audit_store.alerts import Alerts
from audit_store.log import Log
from audit_store.looks import looks
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool_file import SpoolError
from audit_store.witnessed import WitnessedSpool
from auth.agent_alarms import AgentAlarms
from auth.agents import Agents
from auth.approvals import Approvals
from auth.codes import Codes, open_codes
from auth.console_sessions import ConsoleSessions
from auth.directory import Directory
from auth.installation import Installation, is_demo
from auth.keys import Keys
from auth.levels import Levels
from auth.open_sessions import OpenSessions
from auth.order_key import prepare
from auth.orders import Orders
from auth.outside import open_spool
from auth.people import People
from auth.plans import Plans
from auth.policy_signature import PolicyKey
from auth.reveals import Reveals
from auth.role_consent import RoleConsent
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from auth.signin import SignIn
from auth.stepup import StepUp, clock_id
from auth.storage import reading
from auth.tables import Act, Person
from auth.tried import Trial
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from auth.witness import Witness
from console.intake import Intake
from console.people_roles import approver_roles
from console.refusals import Refusals
from detectors.client_index.index import ClientIndex
from policies.versions import Versions

TABLES = (audit_store.tables, auth.tables)
"""Imported before the database is opened: it makes the tables that are missing."""


@dataclass(frozen=True, slots=True)
class Who:
    """A person as a page may name them: with the name only where names are shown (law 11)."""

    pseudonym: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Services:
    """The owners of people, keys, acts, alerts and the record."""

    installation: Installation
    engine: Engine
    spool: WitnessedSpool
    refusals: Refusals
    """What stands before it for what anybody may send without end."""
    log: Log
    pseudonyms: Pseudonyms
    people: People
    levels: Levels
    plans: Plans
    sessions: Sessions
    keys: Keys
    stepup: StepUp
    approvals: Approvals
    reveals: Reveals
    codes: Codes
    sign_in: SignIn
    witness: Witness
    console_sessions: ConsoleSessions
    open_sessions: OpenSessions
    alerts: Alerts
    agent_alarms: AgentAlarms
    agents: Agents
    orders: Orders
    intake: Intake
    index: ClientIndex
    demo: bool = False
    """True only for the demo: pages then offer its software key, which signs in a process of its own."""

    @property
    def https(self) -> bool:
        return self.installation.torwart_url.startswith("https://")

    def directory(self) -> Directory:
        """A view of people and owners, for one thread."""
        return Directory(self.engine, self.pseudonyms, secret(self.installation.state / "keys", "credential.key"))

    def role_consent(self) -> RoleConsent:
        """Changes of people that ask a second person where they have to."""
        return RoleConsent(self.engine, self.people, self.approvals, approvers=lambda: approver_roles(self.installation))

    def trial(self) -> Trial:
        """Tries what was cut of a person."""
        return Trial(self.engine, self.spool.append, self.directory, self.console_sessions, self.stepup, self.agents)

    def policy_versions(self) -> Versions:
        """The versions of the rules, to be read. Raises SecretError, OSError."""
        return Versions(self.installation.state / "policies", PolicyKey(self.installation.state / "keys"))

    def who(self, person: Person | None, pseudonym: str | None = None) -> Who:
        """How pages name a person, or somebody of whom only the pseudonym is known."""
        if person is None:
            return Who(pseudonym or "–", None)
        return Who(person.pseudonym, person.name if self.installation.names == "shown" else None)

    def waiting(self, person_id: str) -> int:
        """Acts of a person that wait for the key now."""
        with reading(self.engine) as session:
            mine = select(func.count()).select_from(Act).where(Act.person_id == person_id, Act.state == "open")
            return session.scalar(mine.where(Act.expires_at > datetime.now(UTC))) or 0

    def viewed(self, viewer: Person, what: str, act_id: str | None = None, *, about: Iterable[str] = ()) -> None:
        """Record that a reviewer looked at what is stored about people. Raises SpoolError: then the page is not shown.

        `what` is the pseudonym of the one person, or what was shown in words of our own; `about` are the pseudonyms that it named.
        """
        for event in looks(datetime.now(UTC), viewer.pseudonym, what, about, act_id):
            self.spool.append(event)

    def close(self) -> None:
        """Close what is open on disk."""
        self.intake.close()
        self.index.close()
        with suppress(SpoolError):  # what nobody can record is not the first of its kind
            self.refusals.count_out(all_of_them=True)
        self.spool.close()
        self.log.close()
        self.engine.dispose()


def open_services(installation: Installation) -> Services:
    """Everything from the state folder. Raises DatabaseError, SpoolError, StatementsError, LogError, SecretError, KnowledgeError."""
    state = installation.state
    prepare(state)
    engine = open_sealed(installation.database, state)
    spool = open_spool(installation, "console")
    refusals = Refusals(spool.append)
    record = refusals
    pseudonyms = Pseudonyms(secret(state / "keys", "pseudonym.key"))
    credential_key = secret(state / "keys", "credential.key")
    keys = Keys(engine, record, installation.rp_id, installation.origin, RowSeal.of(state), installation.keys)
    console_sessions = ConsoleSessions(engine, record, credential_key, installation.sessions)
    sessions = Sessions(engine, record, credential_key)
    agent_alarms = AgentAlarms(record)
    used = UsedActs(state / USED_ACTS)
    stepup = StepUp(engine, record, keys, pseudonyms, clock_id(engine), seal=RowSeal.of(state), used=used)
    approvals = Approvals(engine, record, keys, pseudonyms, clock_id(engine), used=used, sole=installation.sole_reviewer)
    return Services(
        installation=installation,
        engine=engine,
        spool=spool,
        refusals=refusals,
        log=Log.open(installation.log),
        pseudonyms=pseudonyms,
        people=People(engine, record, pseudonyms),
        levels=Levels(engine, record, pseudonyms),
        plans=Plans(engine, record, pseudonyms),
        sessions=sessions,
        keys=keys,
        stepup=stepup,
        approvals=approvals,
        reveals=Reveals(engine, record, approvals, pseudonyms, hours=installation.privacy.reveal_hours),
        codes=open_codes(installation, engine, record, keys, stepup, approvals),
        sign_in=SignIn(engine, record, keys, console_sessions),
        witness=Witness(engine, record, keys),
        console_sessions=console_sessions,
        open_sessions=OpenSessions(console_sessions, sessions),
        alerts=Alerts(engine, record),
        agent_alarms=agent_alarms,
        agents=Agents(engine, record, agent_alarms, installation.origin),
        orders=Orders(engine, record),
        intake=Intake(state / "spool", agent_alarms, installation.record.agent_bytes),
        index=ClientIndex(state),
        demo=is_demo(state),
    )
