"""Tells pages when an alert has changed, without a reload: a long poll over the alerts' revision."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from console.services import Services
from console.visitor import Visitor, reviewer, services_of

router = APIRouter(prefix="/api/alerts")
LONG_POLL_SECONDS = 25.0
LOOK_EVERY_SECONDS = 0.3


@router.get("")
async def changes(request: Request, _found: Annotated[Visitor, Depends(reviewer)], after: str = "") -> Response:
    """The revision of all alerts, as soon as it differs from `after`, or after 25 s."""
    return JSONResponse({"revision": await _changed(request, services_of(request), after)})


@router.get("/{alert_id}")
async def one(request: Request, alert_id: str, _found: Annotated[Visitor, Depends(reviewer)], after: str = "") -> Response:
    """The same, with the revision of one alert beside it."""
    services = services_of(request)
    revision = await _changed(request, services, after)
    alert = await run_in_threadpool(services.alerts.get, alert_id)
    if alert is None:
        raise HTTPException(404)
    return JSONResponse({"revision": revision, "alert": alert.revision})


async def _changed(request: Request, services: Services, after: str) -> int:
    ends = time.monotonic() + LONG_POLL_SECONDS
    while True:
        revision: int = await run_in_threadpool(services.alerts.revision)
        if str(revision) != after or time.monotonic() >= ends or await request.is_disconnected():
            return revision
        await asyncio.sleep(LOOK_EVERY_SECONDS)
