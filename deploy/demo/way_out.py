"""The second half of the story: what A was allowed to export is to leave the house, as an upload to a private cloud and on a stick."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx

from deploy.demo import papers
from deploy.demo.desk import Desk
from deploy.demo.firm import Firm
from deploy.demo.outside import Outside
from deploy.demo.step import Step, soon

DISGUISE: Final = "holiday.jpg"
"""Name of the archive with the export in it."""


class WayOut:
    """Plays A at her own machine. `cloud` is the private cloud, whose memory tells what really arrived there."""

    def __init__(self, firm: Firm, desk: Desk, cloud: Outside, cloud_url: str) -> None:
        self._firm = firm
        self._desk = desk
        self._cloud = cloud
        self._url = cloud_url
        self._browser = desk.browser()
        self.export = ""
        """Short name of the export that was recognised."""

    def close(self) -> None:
        """The browser is closed."""
        self._browser.close()

    def steps(self, saved: Sequence[Sequence[str]]) -> Iterator[Step]:
        """Play it. `saved`: the exported rows (name, phone, e-mail), as A saved them."""
        yield self.ordinary(saved[0])
        yield self.upload(saved)
        yield self.stick(len(saved))

    def ordinary(self, one: Sequence[str]) -> Step:
        """What everybody uploads on any day goes out without a word."""
        step = Step(
            ("Gewöhnliche Dateien in die Cloud", "Ordinary files to the cloud"),
            ("eine Rechnung, ein Foto, die Karte eines einzelnen Kunden", "an invoice, a photograph, the card of a single client"),
            ("gehen hinaus, niemand wird gefragt", "go out, nobody is asked"),
        )
        for name, content, kind in (
            ("rechnung.pdf", papers.invoice(4711), "application/pdf"),
            ("strand.png", papers.photograph(), "image/png"),
            ("karte.vcf", papers.card(*one), "text/vcard"),
        ):
            answer = self._upload(name, content, kind)
            step.expect(answer.is_success, f"{name} was stopped ({answer.status_code})")
            step.expect(self._cloud.arrivals.hold(content), f"{name} did not arrive as it was sent")
        return step

    def upload(self, saved: Sequence[Sequence[str]]) -> Step:
        """The allowed export, mixed, renamed and packed, to a private cloud."""
        step = Step(
            (
                f"Die {len(saved)} Kunden als „{DISGUISE}“ in die private Cloud",
                f"The {len(saved)} clients as “{DISGUISE}” to a private cloud",
            ),
            ("gespeichert, gemischt, Spalten umbenannt, gepackt", "saved, shuffled, columns renamed, packed"),
        )
        content = papers.disguised(saved)
        (self._desk.downloads / DISGUISE).write_bytes(content)
        answer = self._upload(DISGUISE, content, "image/jpeg", page=True)
        step.expect(answer.status_code == httpx.codes.FORBIDDEN, f"the upload was not stopped ({answer.status_code})")
        step.expect("Angehalten" in answer.text or "Stopped" in answer.text, "the page does not say that it was stopped")
        step.expect(not self._cloud.arrivals.hold(content[:64], content[-64:]), "bytes of it arrived at the cloud")
        event = self._event("denied", "upload")
        self._recognised(step, event, len(saved), "stopped")
        if event is not None:
            step.look = f"{self._firm.torwart_url}/why/{event['torwart']['act']['id']}"
        return step

    def stick(self, count: int) -> Step:
        """The same file on a stick: nobody stops it there, but the firm knows within seconds."""
        step = Step(
            ("Dieselbe Datei auf einen Stick", "The same file to a stick"), ("kopiert im Dateimanager", "copied in the file manager")
        )
        shutil.copyfile(self._desk.downloads / DISGUISE, self._desk.stick / DISGUISE)
        event = soon(lambda: self._event("observed", "file_copy", "removable"), bool)
        self._recognised(step, event, count, "seen by the agent")
        step.clients_out = count
        step.look = f"{self._firm.torwart_url}/alerts"
        return step

    def _upload(self, name: str, content: bytes, kind: str, *, page: bool = False) -> httpx.Response:
        accept = {"accept": "text/html", "accept-language": "de", "sec-fetch-mode": "navigate"} if page else {}
        return self._browser.post(f"{self._url}/upload", files={"file": (name, content, kind)}, headers=accept)

    def _event(self, phase: str, action: str, channel: str = "cloud") -> Mapping[str, Any] | None:
        """The newest act of this kind in the record."""
        found = soon(lambda: self._firm.acts(phase, action, channel), bool)
        return found[0] if found else None

    def _recognised(self, step: Step, event: Mapping[str, Any] | None, count: int, how: str) -> None:
        step.expect(event is not None, "there is no event of it")
        if event is None:
            return
        clients = event["torwart"]["clients"]["asked_count"]
        links = event["torwart"].get("exports", [])
        step.expect(clients == count, f"{clients} clients were recognised instead of {count}")
        step.expect([link["clients"] for link in links] == [count], "it is not linked to the export")
        self.export = links[0]["name"] if links else ""
        german = "angehalten" if how == "stopped" else "vom Agenten gesehen"
        step.decided = (
            f"{german}: {clients} Kunden aus dem Export {self.export} erkannt",
            f"{how}: {clients} clients recognised, from the export {self.export}",
        )
