"""The list of alerts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.alert_view import is_open, row
from console.render import page
from console.visitor import Visitor, reviewer, services_of

router = APIRouter()
CLOSED_SHOWN = 20


@router.get("/alerts")
def alerts(request: Request, found: Annotated[Visitor, Depends(reviewer)]) -> Response:
    """Open alerts about others, the newest first, and the last closed ones. The page's script keeps it up to date."""
    services = services_of(request)
    revision = services.alerts.revision()
    every = [alert for alert in services.alerts.list() if found.person is None or alert.pseudonym != found.person.pseudonym]
    opened = [row(services, alert, found.speech) for alert in every if is_open(alert)]
    closed = [row(services, alert, found.speech) for alert in [one for one in every if not is_open(one)][:CLOSED_SHOWN]]
    if found.person is not None:
        services.viewed(found.person, "alerts", about=[line.alert.pseudonym for line in (*opened, *closed)])
    return page(request, found, "alerts.html", revision=revision, open_rows=opened, open_count=len(opened), closed_rows=closed)
