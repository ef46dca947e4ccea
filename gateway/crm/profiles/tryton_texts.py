"""What Tryton says when something goes wrong, without the values that it repeats (hostile input C45), and our refusals in its shape."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import orjson

from gateway.crm.profile import Client, Refusal
from gateway.crm.protocols.jsonrpc import RpcAnswer
from gateway.exchange import Headers, Response
from gateway.pages import PAGE_HEADERS, denial_page, headline_of

NO_STORE = ("cache-control", "no-store")
_JSON = (("content-type", "application/json"), NO_STORE)
_PROBLEM = ("content-type", "application/problem+json")
_WARNING = re.compile(r"[A-Za-z0-9_.,:-]{1,200}")
_NEUTRAL: dict[str, dict[str, tuple[str, str]]] = {
    "de": {
        "UserError": ("Das CRM hat die Eingabe abgelehnt.", "Bitte prüfen Sie die Felder."),
        "UserWarning": ("Das CRM fragt nach.", "Bitte prüfen Sie die Felder, bevor Sie fortfahren."),
        "ConcurrencyException": ("Der Datensatz wurde inzwischen geändert.", ""),
        "": ("Das CRM konnte das nicht ausführen.", "Bitte versuchen Sie es noch einmal."),
    },
    "en": {
        "UserError": ("The CRM refused the entry.", "Please check the fields."),
        "UserWarning": ("The CRM asks to make sure.", "Please check the fields before you go on."),
        "ConcurrencyException": ("The record was changed meanwhile.", ""),
        "": ("The CRM could not do this.", "Please try again."),
    },
}
_KEPT_STATUS = frozenset({401, 404, 409, 416, 423, 429, 504})


def scrubbed_error(answer: RpcAnswer, language: str) -> RpcAnswer:
    """The same kind of error without the CRM's own words.

    A warning keeps its name where that is a plain key: the web client needs it to go on after the person's answer.
    """
    error = answer.error or [""]
    texts = _NEUTRAL["de" if language.startswith("de") else "en"]
    said: list[Any]
    match error[0]:
        case "UserWarning":
            given = error[1] if len(error) > 1 and isinstance(error[1], list) and error[1] else [""]
            name = given[0] if isinstance(given[0], str) and _WARNING.fullmatch(given[0]) else "warning"
            said = ["UserWarning", [name, *texts["UserWarning"]]]
        case "ConcurrencyException":
            said = ["ConcurrencyException", texts["ConcurrencyException"][0]]
        case "UserError":
            said = ["UserError", [*texts["UserError"], None]]
        case _:
            said = ["UserError", [*texts[""], None]]
    return RpcAnswer(answer.id, error=said)


def failed(response: Response) -> Response:
    """An answer with an error status, without the CRM's own words."""
    if response.status < 400:
        return Response(502, (_PROBLEM, NO_STORE), _problem_body(502, "", {}))
    status = response.status if response.status in _KEPT_STATUS else 502 if response.status >= 500 else 400
    return Response(status, (_PROBLEM, NO_STORE), _problem_body(status, "", {}))


def rpc_answer(answer: RpcAnswer, extra: Headers = ()) -> Response:
    """An RPC answer as it goes out. Raises UninspectableError."""
    return Response(200, (*_JSON, *extra), answer.body())


def refused(client: Client, refusal: Refusal, rpc_id: Any, *, in_rpc: bool, at_login: bool, instance: str) -> Response:
    """A refusal in the shape that the client shows to a person (`step-up.md`)."""
    text = refusal.because.for_employee(refusal.language)
    if client is Client.APP and in_rpc and (at_login or refusal.status != 401):
        # The web client shows 403 as a bare number, and sends a call again that was answered with 503; a sign-in that was answered
        # with 401 it repeats at once, without asking anybody, for ever. Its log-in window takes a title and a text.
        title, sentence = headline_of(refusal)
        words = "\n".join([sentence, *([refusal.link] if refusal.link else []), refusal.act_id])
        said = [title, words] if at_login else ["UserError", [title, words, None]]
        return rpc_answer(RpcAnswer(rpc_id, error=said))
    if client is Client.PAGE:
        if 300 <= refusal.status < 400:
            return Response(refusal.status, (NO_STORE, *refusal.headers))
        return Response(refusal.status, (*PAGE_HEADERS, *refusal.headers), denial_page(refusal))
    members = {"detail": text, "instance": instance, "act": refusal.act_id} | ({"link": refusal.link} if refusal.link else {})
    body = _problem_body(refusal.status, refusal.title, members)
    return Response(refusal.status, (_PROBLEM, NO_STORE, *refusal.headers), body)


def _problem_body(status: int, title: str, members: dict[str, Any]) -> bytes:
    """RFC 9457. `about:blank` says that the status tells the kind of problem (section 4.2.1)."""
    return orjson.dumps({"type": "about:blank", "title": title or HTTPStatus(status).phrase, "status": status, **members})
