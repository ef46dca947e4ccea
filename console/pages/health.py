"""How Torwart itself is doing: the watch over the record, what waits, and whether the record arrives in Elasticsearch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import inspect
from starlette.responses import Response

from audit_store.log import LogError
from audit_store.outside import PlaceState, Trouble
from audit_store.spool import SpoolError
from audit_store.spool_room import ALARM_SHARE
from auth.attendance import attending
from auth.deleted_people import deleted_people
from auth.row_alarms import RowAlarms, person_of
from auth.sealed_rows import DELETED
from auth.tables import Person
from console.checkpoints import PLACES_STAGE, CheckpointHealth
from console.checkpoints import STAGE as STATE_STAGE
from console.language import Speech
from console.render import page
from console.row_words import CAUSES, KINDS, way_back
from console.services import Services
from console.shipping import LOOK_STAGE, STAGE, ElasticHealth
from console.trimming import Fill, fills
from console.visitor import Visitor, reviewer, services_of
from console.words import N_, word
from console.worker import Health

router = APIRouter()
STALE = timedelta(seconds=30)
"""A last round that is older than that means that nobody watches."""
_STAGES: Mapping[str, str] = {
    "intake": N_("Taking the record in"),
    "rules": N_("Comparing with the behaviour rules"),
    "rows": N_("Rows that are not as Torwart wrote them: torwart people check"),
    "plans": N_("Carrying out planned statuses"),
    "acts": N_("Ending acts that were not confirmed"),
    "queue": N_("Preparing messages"),
    "send mail": N_("Sending mail"),
    "send webhook": N_("Sending to the web hook"),
    "count": N_("Counting what waits"),
    "record": N_("Writing the record"),
    "pack": N_("Packing older events"),
    "trim": N_("Taking out of the machines' records what the log has"),
    "lead": N_("Asking which console watches"),
    "confirm": N_("Recognising clients in what agents saw"),
    "refused agents": N_("Recording refused agents"),
    STATE_STAGE: N_("Signing statements about the record"),
    PLACES_STAGE: N_("Getting signed statements to the places outside"),
    STAGE: N_("Shipping to Elasticsearch"),
    LOOK_STAGE: N_("Looking whether everything is in Elasticsearch"),
}
_TROUBLES: Mapping[str, str] = {
    "UnreachableError": N_("Elasticsearch cannot be reached. Check that it is running and that elastic.url is right."),
    "TimedOutError": N_("Elasticsearch does not answer in time. Look at its load."),
    "CertificateError": N_("The certificate of Elasticsearch is not trusted. Check elastic.ca and the name and dates of the certificate."),
    "BusyError": N_("Elasticsearch takes nothing at the moment. Look at its load, its disk and its health."),
    "RefusedError": N_("Elasticsearch refuses. Check user, password file and roles (deploy/elasticsearch/roles.yml)."),
    "AnswerError": N_("The answers of Elasticsearch are not right. Check what stands between it and Torwart, and its health."),
    "BadRequestError": N_("The answers of Elasticsearch are not right. Check what stands between it and Torwart, and its health."),
    "VersionError": N_("This version of Elasticsearch is not supported: 8.19 or a later 8, or any 9, is needed."),
    "TemplateError": N_("The templates are missing or older than Torwart. Run: torwart events elastic-install"),
    "LostError": N_("Elasticsearch had lost events that it had confirmed. They were sent again. Look at its health."),
    "DeadLetterError": N_("Elasticsearch refuses an event altogether. Run: torwart events elastic-install"),
}
_PLACE_TROUBLES: Mapping[Trouble, str] = {
    Trouble.ABSENT: N_("The folder is not there. Mount it."),
    Trouble.EMPTIED: N_("What was written into the folder is not in it any more. Is the right one mounted?"),
    Trouble.LOST: N_("The folder has lost statements that it had. Look into it, and run: torwart events verify"),
    Trouble.AHEAD: N_(
        "The place has more than this machine: the state folder is an older one. Touch nothing, and run: torwart events verify"
    ),
    Trouble.UNWRITABLE: N_("The folder cannot be written. Look at its rights and its disk."),
    Trouble.SILENT: N_("The place does not answer in time. Is its server reachable?"),
    Trouble.MAIL: N_("The mail server does not take the mail. Check the section mail of the settings."),
    Trouble.OWN: N_("The signed statements of this machine cannot be read. Run: torwart events verify"),
}
_OTHER_TROUBLE = N_("A fault of Torwart's own. It tries again by itself; if it stays, write to the makers of Torwart.")


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place outside, and what is wrong with it in words."""

    state: PlaceState
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A stage that fails now."""

    stage: str
    kind: str


@dataclass(frozen=True, slots=True)
class RoomLine:
    """How full the record of one process or agent is."""

    fill: Fill
    percent: int
    filling: bool
    """It has come to where there is an alarm."""


@dataclass(frozen=True, slots=True)
class RowsLine:
    """Rows of one kind that are not as Torwart wrote them. Whose they are, `torwart people check` says."""

    kind: str
    why: str
    number: int
    command: str | None
    """With words in place of names; None: what waited is asked for again."""


@router.get("/health")
def health(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """For reviewers. Nothing on it is about a person."""
    known: Health | None = request.app.state.health
    rows = _rows(services_of(request), found.speech)
    watched = known is not None and known.last_run is not None and datetime.now(UTC) - known.last_run < STALE
    elastic = known.elastic if known else None
    return page(
        request,
        found,
        "health.html",
        health=known,
        watched=watched,
        well=watched and known is not None and known.well and rows == [],
        faults=_faults(known, found.speech),
        elastic=elastic,
        trouble=_trouble(elastic, found.speech),
        checkpoints=known.checkpoints if known else None,
        places=_places(known.checkpoints if known else None, found.speech),
        rooms=_rooms(services_of(request)),
        rows=rows,
        gateways=attending(services_of(request).engine, 0),
    )


def _faults(known: Health | None, speech: Speech) -> list[Fault]:
    errors = dict(known.errors) if known else {}
    return [Fault(speech.say(_STAGES[stage]) if stage in _STAGES else stage, kind) for stage, kind in sorted(errors.items())]


def _places(checkpoints: CheckpointHealth | None, speech: Speech) -> list[PlaceLine]:
    states = checkpoints.places if checkpoints else []
    return [PlaceLine(state, speech.say(_PLACE_TROUBLES[state.trouble]) if state.trouble else None) for state in states]


def _rooms(services: Services) -> list[RoomLine] | None:
    """None: they cannot be read now."""
    limits = services.installation.record
    try:
        found = fills(services.installation.state / "spool", services.log, own_bytes=limits.spool_bytes, agent_bytes=limits.agent_bytes)
    except (SpoolError, LogError):
        return None
    return [RoomLine(fill, round(100 * fill.share), fill.share >= ALARM_SHARE) for fill in found]


def _rows(services: Services, speech: Speech) -> list[RowsLine] | None:
    """Looked at now: a repair is seen at once. None: it cannot be known, and then no row is believed."""
    try:
        rows = RowAlarms(services.engine, services.spool.append, services.pseudonyms).doubtful()
        deleted = deleted_people(services.engine)
    except OSError:
        return None
    tables = [(inspect(type(row)).local_table.name, row.doubt or "", person_of(row) in deleted) for row in rows]
    counts = Counter([(Person.__tablename__, DELETED, True)] * len(deleted) + tables)
    return [
        RowsLine(speech.say(KINDS[table]), word(CAUSES, cause, speech), number, way_back(table, deleted=gone))
        for (table, cause, gone), number in counts.items()
    ]


def _trouble(elastic: ElasticHealth | None, speech: Speech) -> str | None:
    if elastic is None or elastic.trouble is None:
        return None
    return speech.say(_TROUBLES.get(elastic.trouble, _OTHER_TROUBLE))
