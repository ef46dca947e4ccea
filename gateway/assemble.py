"""Puts one gateway together from its configuration: the only place where all owners meet."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from sqlalchemy import Engine

import auth.tables  # noqa: F401  (its tables are made with the database)
from audit_store.event import EventAction, plain_event
from audit_store.followers import Followers
from audit_store.gathered import Gathered
from audit_store.manifests import Manifests
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool, SpoolError
from audit_store.turns import Turns
from auth.approvals import Approvals
from auth.assignments import Assignments
from auth.directory import Directory
from auth.installation import Installation
from auth.keys import Keys
from auth.outside import open_spool
from auth.people import People
from auth.row_alarms import RowAlarms
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from auth.stepup import StepUp, clock_id
from auth.unmapped import Unmapped
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from detectors.client_index.folder import desk_key, index_key
from detectors.client_index.hashing import Hashing
from detectors.client_index.learner import Learner
from detectors.mark import marker
from gateway import grounds
from gateway.addresses import Addresses
from gateway.approving import Approving
from gateway.books import Books
from gateway.crm.discover import load_profile
from gateway.crm.profile import Profile
from gateway.exports import Exports
from gateway.handle import Handler
from gateway.holds import Holds
from gateway.listener import Listener
from gateway.notice import notice_of
from gateway.questions import Questions
from gateway.record import Record
from gateway.refusals import Refusals
from gateway.reserved import Reserved
from gateway.settings import CrmSettings
from gateway.shell import Shell
from gateway.signin import SignIn
from gateway.touch import Touch
from policies.request import Principal
from policies.vocabulary import VOCABULARY, write_vocabulary

PRODUCER = "gateway"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A gateway's parts, to be closed together."""

    handler: Handler
    spool: Spool
    engine: Engine
    now: Callable[[], datetime]
    unjudged: Gathered[str] = field(default_factory=Gathered)

    def record_refused(self, what: str) -> None:
        """One event for what no judge saw, on disk on return; what repeats is counted. Raises SpoolError. `what` names structure only."""
        if self.unjudged.first_of(what, "", what, what) is None:
            self._say_refused({"what": what})
        self._count_out()

    async def count_out(self, *, all_of_them: bool = False) -> None:
        """Record which refusals have come again and again. Raises SpoolError."""
        await self.handler.record.count_out(all_of_them=all_of_them)
        self._count_out(all_of_them=all_of_them)

    def _count_out(self, *, all_of_them: bool = False) -> None:
        for what, times in self.unjudged.due(all_of_them=all_of_them):
            try:
                self._say_refused({"what": what, "times": times})
            except SpoolError:
                self.unjudged.again(what, what, times)
                raise

    def _say_refused(self, said: dict[str, int | str]) -> None:
        self.spool.append(plain_event(EventAction.CONNECTION_REFUSED, at=self.now(), outcome="failure", numbers=said))

    def close(self) -> None:
        """Give back files and connections; the spool writes what waits."""
        self.handler.learner.close()
        self.handler.directory.close()
        self.handler.followers.close()
        self.handler.turns.close()
        self.spool.close()
        self.engine.dispose()


def assemble(installation: Installation, settings: CrmSettings, *, profile: Profile | None = None) -> Assembled:
    """The gateway of an installation. Raises ConfigError, SpoolError, StatementsError, DatabaseError, PolicyErrors, KnowledgeError."""
    now = partial(datetime.now, UTC)
    state = installation.state
    secrets_folder = state / "keys"
    credential_key = secret(secrets_folder, "credential.key")
    pseudonyms = Pseudonyms(secret(secrets_folder, "pseudonym.key"))
    engine = open_sealed(installation.database, state)
    spool = open_spool(installation, PRODUCER)
    shared = grounds.machines(installation, spool)
    followers = Followers(spool.folder.parent, spool.producer, shared.follow if shared is not None else None)
    history = grounds.history(installation.log, followers.sources, now())
    followers.begin(history)
    if shared is not None:
        shared.begin(history)
    profile = profile or load_profile(settings)
    with contextlib.suppress(OSError):  # rules are only checked against it on the command line
        write_vocabulary(state / VOCABULARY, profile.vocabulary())
    directory = Directory(engine, pseudonyms, credential_key, RowAlarms(engine, spool.append, pseudonyms))
    people = People(engine, spool.append, pseudonyms)
    seal, used = RowSeal.of(state), UsedActs(state / USED_ACTS)
    keys = Keys(engine, spool.append, installation.rp_id, installation.origin, seal, installation.keys)
    stepup = StepUp(engine, spool.append, keys, pseudonyms, clock_id(engine), seal=seal, used=used, holder=spool.producer)
    stepup.end_all()  # the requests that the last run held open are gone
    policies = grounds.policies(state, spool, now)
    record = Record(spool, followers, now)
    refusals = Refusals(installation.torwart_url, installation.language)
    listener = Listener(credential_key, secure=settings.url.startswith("https:"))
    addresses = Addresses(credential_key)
    holds = Holds(stepup, lambda act, left: notice_of(act, refusals.act(act.id), left))
    touch = Touch(stepup, holds, record, refusals, addresses)
    mask_key = secret(secrets_folder, "mask.key")
    approvals = Approvals(engine, spool.append, keys, pseudonyms, clock_id(engine), used=used, sole=installation.sole_reviewer)
    handler = Handler(
        profile=profile,
        directory=directory,
        signin=SignIn(
            profile,
            directory,
            Sessions(engine, spool.append, credential_key),
            Unmapped(engine, credential_key),
            listener,
            record,
            now,
        ),
        books=Books(directory, Assignments(engine, spool.append), now),
        history=history,
        followers=followers,
        turns=Turns(state / grounds.TURNS, shared=shared),
        questions=Questions(directory, history, policies.current, now),
        touch=touch,
        approving=Approving(approvals, touch, mask_key),
        record=record,
        exports=Exports(
            Manifests(engine), Hashing(desk_key(state), index_key(state), settings.regions), marker(state), _called(installation, people)
        ),
        learner=Learner(state, settings.regions, partial(_learning, spool, now)),
        refusals=refusals,
        reserved=Reserved(touch, listener, installation.language),
        shell=Shell(urlsplit(settings.url).netloc),
        mask_key=mask_key,
    )
    return Assembled(handler, spool, engine, now)


def _called(installation: Installation, people: People) -> Callable[[Principal], str]:
    """What marks call people: as the installation names them (law 11)."""

    def called(principal: Principal) -> str:
        person = people.by_id(principal.id) if installation.names == "shown" else None
        return person.name if person is not None else principal.pseudonym

    return called


def _learning(spool: Spool, now: Callable[[], datetime], fault: str | None) -> None:
    """A client base that does not learn any more recognises new clients nowhere: that is a fact of the record."""
    facts: dict[str, int | str] = {"error": fault} if fault is not None else {}
    outcome = "success" if fault is None else "failure"
    with contextlib.suppress(SpoolError):  # a full disk stops the doors by itself
        spool.append(plain_event(EventAction.SELF_TEST, at=now(), subject="client index", outcome=outcome, numbers=facts))
