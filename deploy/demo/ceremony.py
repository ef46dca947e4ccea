"""What a person does in the popup, over HTTP: read what is asked, touch the key or turn it down."""

from __future__ import annotations

from typing import Any

import httpx

from deploy.demo.errors import DemoError
from deploy.demo.loopback import client
from policies.reasons import grouped


class Popup:
    """The ceremony page of Torwart's own host."""

    def __init__(self, torwart_url: str) -> None:
        self._torwart_url = torwart_url
        self._http = client(torwart_url)

    def look(self, act_id: str, asked: int, allowed: int) -> bool:
        """Open the page; whether it names both numbers as people write them. Raises DemoError when it does not open."""
        page = self._http.get(f"/act/{act_id}", headers={"accept-language": "de"})
        if page.status_code != httpx.codes.OK:
            raise DemoError(f"the popup of act {act_id} did not open ({page.status_code})")
        return all(grouped(number, "de") in page.text for number in (asked, allowed))

    def touch(self, act_id: str) -> httpx.Response:
        """Let the demo's software key sign the act, by the road that the button takes."""
        begun = self._post(f"/api/acts/{act_id}/begin", {})
        if begun.status_code != httpx.codes.OK:
            return begun
        signed = self._post("/demo/touch", {"purpose": "get", "options": begun.json()["options"]})
        return self._post(f"/api/acts/{act_id}/complete", {"response": signed.json()})

    def cancel(self, act_id: str) -> None:
        """Turn the act down."""
        self._post(f"/api/acts/{act_id}/cancel", {})

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        # A browser sends both headers by itself; the pages refuse what lacks them.
        return self._http.post(path, json=body, headers={"origin": self._torwart_url, "sec-fetch-site": "same-origin"})


def act_of(answer: httpx.Response) -> str:
    """The act that a challenge names in its problem document (RFC 9457). Raises DemoError."""
    try:
        return str(answer.json()["act"])
    except (ValueError, KeyError, TypeError) as error:
        raise DemoError(f"no challenge in an answer of status {answer.status_code}") from error
