"""A's machine in the demo: a log-in for the proxy, an enrolled agent, a folder for downloads, and a folder that stands for a stick."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from agent.settings import Kind, write_template
from deploy.demo.errors import DemoError
from deploy.demo.firm import Firm

REST_SECONDS = 0.3
"""A file of the demo is looked at when it rested for so long."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a person's files lie, and how the way out is reached from there."""

    folder: Path
    proxy: httpx.Proxy

    @property
    def downloads(self) -> Path:
        return self.folder / "downloads"

    @property
    def stick(self) -> Path:
        """An ordinary folder that the agent is told to watch as a removable device."""
        return self.folder / "stick"

    @property
    def config(self) -> Path:
        return self.folder / "agent.yaml"

    def browser(self) -> httpx.Client:
        """A browser of this machine: whatever it sends goes by the proxy, and names of the demo are the proxy's to resolve."""
        return httpx.Client(proxy=self.proxy, trust_env=False, timeout=60.0)


def furnish(firm: Firm, account: str, proxy_port: int) -> Desk:
    """Give a person a machine; the second time, a new log-in for the proxy. Raises DemoError."""
    given = json.loads(firm.torwart("people", "proxy", account, "--json"))
    desk = Desk(firm.folder / "desk", httpx.Proxy(f"http://127.0.0.1:{proxy_port}", auth=(given["user"], given["password"])))
    for folder in (desk.downloads, desk.stick):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if desk.config.exists() and f"url: {firm.torwart_url}\n" not in desk.config.read_text(encoding="utf-8"):
        desk.config.unlink()  # the demo was moved to other ports: to an agent that is another Torwart
        shutil.rmtree(desk.folder / "agent-state", ignore_errors=True)
    if not desk.config.exists():
        write_template(desk.config, firm.torwart_url, [(Kind.REMOVABLE, desk.stick), (Kind.FOLDER, desk.downloads)])
        with desk.config.open("a", encoding="utf-8") as file:
            file.write(f"rest_seconds: {REST_SECONDS}\n")
        token = json.loads(firm.torwart("people", "device", account, "--json"))["token"]
        _agent("enrol", "--token", token, "--config", str(desk.config))
    return desk


def by_hand(firm: Firm, desk: Desk, account: str, proxy_port: int, cloud_url: str, file: str) -> dict[str, str]:
    """Commands and addresses with which a visitor tries the way out in another person's name. Raises DemoError."""
    given = json.loads(firm.torwart("people", "proxy", account, "--json"))
    path = shlex.quote(str(desk.downloads / file))
    proxy = f"127.0.0.1:{proxy_port}"
    return {
        "cloud": cloud_url,
        "proxy": proxy,
        "user": given["user"],
        "password": given["password"],
        "upload": f"curl --noproxy '' -x http://{proxy} -U '{given['user']}:{given['password']}' -F file=@{path} {cloud_url}/upload",
        "browser": f"chromium --user-data-dir=$(mktemp -d) --proxy-server={proxy} '--proxy-bypass-list=<-loopback>' {cloud_url}",
        "stick": f"cp {path} {shlex.quote(str(desk.stick / 'kopie.zip'))}",
    }


def _agent(*words: str) -> None:
    command = [sys.executable, "-m", "deploy.demo.agent_process", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise DemoError(f"torwart-agent {words[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
