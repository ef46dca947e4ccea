"""`make demo`: a real CRM, the gateway before it, the console, the proxy on the way out, A's machine with its agent, and A's story.

Ends with Ctrl-C; `ONCE=1` ends by itself. `PORT` moves the ports (CRM on PORT, Torwart on PORT + 1, the proxy on PORT + 2, a private
cloud on PORT + 3), `RESET=1` starts over. Everything lies in `.demo/` of this clone; `DEMO_RUN` and `DEMO_CRM` move what this run writes
and the prepared CRM elsewhere, for tests beside a demo.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Never

from deploy.demo import crm as demo_crm
from deploy.demo.attacks import Attacks
from deploy.demo.crm import RunningCrm
from deploy.demo.desk import by_hand, furnish
from deploy.demo.errors import DemoError
from deploy.demo.firm import Firm, configure, found, index_clients
from deploy.demo.keyring import KeyringClient
from deploy.demo.mailbox import Mailbox
from deploy.demo.notes import Notes
from deploy.demo.outside import Outside
from deploy.demo.outside import cloud as private_cloud
from deploy.demo.people import ANNA, BORIS, book_of
from deploy.demo.processes import Processes, require_free
from deploy.demo.story import Story
from deploy.demo.terminal import Terminal
from deploy.demo.tryton_process import free_port
from deploy.demo.way_out import DISGUISE, WayOut
from policies.reasons import grouped

ROOT = Path(__file__).resolve().parents[2] / ".demo"
DEFAULT_PORT = 8400


def main() -> int:
    """Run the demo; the exit status is 0 if everything held."""
    terminal = Terminal(german=os.environ.get("LANG", "").startswith("de"))
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the same orderly end as Ctrl-C
    once = os.environ.get("ONCE") == "1"
    try:
        port = _port(os.environ.get("PORT") or str(DEFAULT_PORT))
        return _demo(terminal, port, once=once, reset=once or os.environ.get("RESET") == "1")
    except DemoError as error:
        terminal.fault(str(error))
        return 2
    except KeyboardInterrupt:
        return 0


def _demo(terminal: Terminal, port: int, *, once: bool, reset: bool) -> int:
    proxy_port, cloud_port = port + 2, port + 3
    require_free(port, port + 1, proxy_port, cloud_port)
    run = Path(os.environ.get("DEMO_RUN") or ROOT / "run")
    if reset:
        shutil.rmtree(run, ignore_errors=True)
    # A half-made installation is made anew; a finished one is kept with everything that the visitor did to it.
    kept = (run / "ready").is_file()
    if not kept:
        shutil.rmtree(run, ignore_errors=True)
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    uv = shutil.which("uv") or shutil.which("uv", path=ROOT.parent / ".bootstrap" / "bin")
    with contextlib.ExitStack() as closing:
        prepared = demo_crm.prepare(Path(os.environ.get("DEMO_CRM") or ROOT), uv=Path(uv) if uv else None, progress=terminal.progress)
        if prepared.web_root is None:
            terminal.note(
                "Ohne den Web-Client des CRM: npm fehlt oder hat nicht geklappt.", "Without the CRM's web client: npm is missing or failed."
            )
        crm = demo_crm.start(prepared, run / "crm", keep=kept)
        closing.callback(crm.stop)
        mailbox = Mailbox(run / "mailbox")
        closing.callback(mailbox.stop)
        cloud = Outside(private_cloud(), cloud_port)
        closing.callback(cloud.stop)
        outside = (proxy_port, cloud_port)
        firm = configure(run, crm_port=port, torwart_port=port + 1, upstream=crm.base_url, mail_port=mailbox.port, outside=outside)
        notes = Notes(run)
        notes.add(crm_url=firm.crm_url, torwart_url=firm.torwart_url, web_client=prepared.web_root is not None)
        keyring_port = free_port()
        processes = Processes(run / "logs")
        closing.callback(processes.stop)
        processes.start("keyring", "deploy.demo.keyring", str(run), str(keyring_port))
        if not kept:
            terminal.progress("people, books, keys")
            found(firm, crm, _keyring(keyring_port))
        terminal.progress("index of the clients")
        index_clients(firm, crm)
        processes.start("gateway", "deploy.demo.gateway_process", str(firm.config))
        processes.start("console", "deploy.demo.console_process", str(firm.config), str(keyring_port))
        processes.start("proxy", "deploy.demo.proxy_process", str(firm.config))
        processes.wait_for(firm.crm_url, firm.torwart_url, f"http://127.0.0.1:{proxy_port}")
        desk = furnish(firm, ANNA.login, proxy_port)
        processes.start("agent", "deploy.demo.agent_process", "run", "--config", str(desk.config))
        cloud_url = f"http://cloud.localhost:{cloud_port}"
        way_out = WayOut(firm, desk, cloud, cloud_url)
        notes.add(way_out=by_hand(firm, desk, BORIS.login, proxy_port, cloud_url, DISGUISE))
        faults = 0 if kept else _play(terminal, firm, crm, notes, way_out)
        attacks = Attacks(firm, crm)
        notes.add(attacks=[asdict(attack) for attack in attacks.all()])
        if once:
            for attempt in attacks.play():
                faults += terminal.attempt(attempt)
            faults += terminal.problems(firm.problems())
            terminal.verdict(faults)
            return 1 if faults else 0
        (run / "ready").touch()
        terminal.invitation(firm.torwart_url, firm.crm_url, port, played=not kept)
        _stay(processes)


def _play(terminal: Terminal, firm: Firm, crm: RunningCrm, notes: Notes, way_out: WayOut) -> int:
    told: list[dict[str, str | int]] = []
    own = book_of(BORIS.login, crm.party_ids)[:40]
    token = firm.torwart("people", "token", BORIS.login).split()[-1]
    notes.add(b_login=BORIS.login, b_password=crm.passwords[BORIS.login], b_forty=f'[["id","in",{own}]]', b_token=token.rpartition("/")[2])
    terminal.opening(grouped(len(crm.party_ids), "de" if terminal.german else "en"))
    story = Story(firm, crm, way_out)
    faults = 0
    try:
        for step in story.steps():
            faults += terminal.step(step)
            told.append(step.told())
            notes.add(story=told)
    finally:
        story.close()
    return faults


def _stay(processes: Processes) -> Never:
    while True:
        time.sleep(0.5)
        if (fallen := processes.fallen()) is not None:
            raise DemoError(f"the {fallen} ended by itself: {processes.last_words(fallen)}")


def _keyring(port: int) -> KeyringClient:
    client = KeyringClient(port)
    _until(client.answers, "the demo's keys do not answer: start the demo again")
    return client


def _until(holds: Callable[[], bool], otherwise: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise DemoError(otherwise)
        time.sleep(0.05)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1024 <= int(text) <= 65_532:
        raise DemoError(f"PORT={text} is no usable port: take a number from 1024 to 65532")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
