"""Puts one forward proxy together from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

import auth.tables  # noqa: F401  (its tables are made with the database)
from audit_store.event import EventAction, plain_event
from audit_store.followers import Followers
from audit_store.manifests import Manifests
from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool
from audit_store.turns import Turns
from auth.approvals import Approvals
from auth.config_file import ConfigError
from auth.directory import Directory
from auth.keys import Keys
from auth.outside import open_spool
from auth.people import People
from auth.row_alarms import RowAlarms
from auth.row_seal import RowSeal
from auth.sealed_database import open_sealed
from auth.stepup import StepUp, clock_id
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from detectors.budget import Limits
from detectors.client_index.index import ClientIndex
from detectors.scanner import Scanner
from gateway import grounds
from gateway.channels.destinations import KINDS, Destinations
from gateway.forward.answers import Answers
from gateway.forward.authority import FOLDER, Authority
from gateway.forward.confirm import Confirmations
from gateway.forward.consents import Consents
from gateway.forward.credentials import LogIns
from gateway.forward.heads import Heads
from gateway.forward.judge import Judge
from gateway.forward.places import Places, Resolver, resolve
from gateway.forward.reading import Scans
from gateway.forward.settings import Forward
from gateway.refusals import Refusals

PRODUCER = "proxy"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A forward proxy's parts, to be closed together."""

    judge: Judge
    authority: Authority
    spool: Spool
    engine: Engine
    scanner: Scanner | None
    """Its own one, if none was given."""
    now: Callable[[], datetime]

    def record_refused(self, what: str) -> None:
        """One event for what no judge saw, on disk on return. Raises SpoolError. `what` names structure only."""
        self.spool.append(plain_event(EventAction.CONNECTION_REFUSED, at=self.now(), outcome="failure", numbers={"what": what}))

    def close(self) -> None:
        """Give back files, connections and workers; the spool writes what waits."""
        if self.scanner is not None:
            self.scanner.close()
        self.judge.directory.close()
        self.judge.followers.close()
        self.judge.turns.close()
        self.spool.close()
        self.engine.dispose()


def assemble(forward: Forward, *, scanner: Scans | None = None, resolver: Resolver = resolve) -> Assembled:
    """The forward proxy of an installation. Raises ConfigError, SpoolError, StatementsError, DatabaseError, PolicyErrors, KnowledgeError,
    WorkerError.

    `scanner`: who reads content; None: workers of its own, with the installation's client index.
    """
    installation, proxy = forward.installation, forward.proxy
    now = partial(datetime.now, UTC)
    state = installation.state
    keys = state / "keys"
    pseudonyms = Pseudonyms(secret(keys, "pseudonym.key"))
    authority = Authority(state / FOLDER, installation.rp_id)
    engine = open_sealed(installation.database, state)
    spool = open_spool(installation, PRODUCER)
    directory = Directory(engine, pseudonyms, secret(keys, "credential.key"), RowAlarms(engine, spool.append, pseudonyms))
    sole = _sole(People(engine, spool.append, pseudonyms), proxy.person)
    policies = grounds.policies(state, spool, now)
    seal, used = RowSeal.of(state), UsedActs(state / USED_ACTS)
    owner_keys = Keys(engine, spool.append, installation.rp_id, installation.origin, seal, installation.keys)
    stepup = StepUp(engine, spool.append, owner_keys, pseudonyms, clock_id(engine), seal=seal, used=used, holder=spool.producer)
    approvals = Approvals(engine, spool.append, owner_keys, pseudonyms, clock_id(engine), used=used, sole=installation.sole_reviewer)
    confirmations = Confirmations(stepup)
    own = None
    if scanner is None:
        scanner = own = Scanner(ClientIndex(state), Limits())
    shared = grounds.machines(installation, spool)
    followers = Followers(spool.folder.parent, spool.producer, shared.follow if shared is not None else None)
    history = grounds.history(installation.log, followers.sources, now())
    followers.begin(history)
    if shared is not None:
        shared.begin(history)
    judge = Judge(
        directory=directory,
        logins=LogIns(directory, sole),
        places=Places(forward.own, allow=proxy.allow, ports=proxy.ports, resolver=resolver),
        destinations=Destinations({host: KINDS[kind] for host, kind in proxy.destinations.items()}),
        scanner=scanner,
        heads=Heads(scanner),
        history=history,
        followers=followers,
        turns=Turns(state / grounds.TURNS, shared=shared),
        manifests=Manifests(engine),
        policy=policies.current,
        spool=spool,
        confirmations=confirmations,
        consents=Consents(approvals, confirmations),
        answers=Answers(Refusals(installation.torwart_url, installation.language)),
        now=now,
    )
    return Assembled(judge, authority, spool, engine, own, now)


def _sole(people: People, word: str | None) -> str | None:
    if word is None:
        return None
    person = people.find(word)
    if person is None:
        raise ConfigError([f"proxy.person: nobody is called {word!r} here — `torwart people list` names all"])
    return person.id
