"""How Torwart itself is doing: the watch over the record, what waits, and whether the record arrives in Elasticsearch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.language import Speech
from console.render import page
from console.shipping import LOOK_STAGE, STAGE, ElasticHealth
from console.visitor import Visitor, reviewer
from console.words import N_
from console.worker import Health

router = APIRouter()
STALE = timedelta(seconds=30)
"""A last round that is older than that means that nobody watches."""
_STAGES: Mapping[str, str] = {
    "intake": N_("Taking the record in"),
    "rules": N_("Comparing with the behaviour rules"),
    "acts": N_("Ending acts that were not confirmed"),
    "queue": N_("Preparing messages"),
    "send mail": N_("Sending mail"),
    "send webhook": N_("Sending to the web hook"),
    "count": N_("Counting what waits"),
    "record": N_("Writing the record"),
    "confirm": N_("Recognising clients in what agents saw"),
    "refused agents": N_("Recording refused agents"),
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
_OTHER_TROUBLE = N_("A fault of Torwart's own. It tries again by itself; if it stays, write to the makers of Torwart.")


@dataclass(frozen=True, slots=True)
class Fault:
    """A stage that fails now."""

    stage: str
    kind: str


@router.get("/health")
def health(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """For reviewers. Nothing on it is about a person."""
    known: Health | None = request.app.state.health
    watched = known is not None and known.last_run is not None and datetime.now(UTC) - known.last_run < STALE
    elastic = known.elastic if known else None
    return page(
        request,
        found,
        "health.html",
        health=known,
        watched=watched,
        well=watched and known is not None and known.well,
        faults=_faults(known, found.speech),
        elastic=elastic,
        trouble=_trouble(elastic, found.speech),
    )


def _faults(known: Health | None, speech: Speech) -> list[Fault]:
    errors = dict(known.errors) if known else {}
    return [Fault(speech.say(_STAGES[stage]) if stage in _STAGES else stage, kind) for stage, kind in sorted(errors.items())]


def _trouble(elastic: ElasticHealth | None, speech: Speech) -> str | None:
    if elastic is None or elastic.trouble is None:
        return None
    return speech.say(_TROUBLES.get(elastic.trouble, _OTHER_TROUBLE))
