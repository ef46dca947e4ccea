"""The load: nginx as the CRM, wrk as its users, processes pinned to cores, CPU time from the kernel."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import BenchError, MissingError

SUBJECT_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 16
_PACKAGES = {"taskset": "util-linux"}
"""Debian packages that are not named like their program."""

_NGINX = """\
daemon off;
{user}worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  open_file_cache max=2000;
  open_file_cache_valid 1h;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port};
    location = /crm/rest/model/party.party {{
      default_type application/json;
      root {pages};
      try_files /$arg_s/$arg_p.json =404;
    }}
  }}
}}
"""

# Every 100th answer is compared, byte for byte, with the bodies that were verified before.
_WRK = """\
local requests, verified, number, answers = {{}}, {{}}, 0, 0
checked, wrong = 0, 0
local threads = {{}}
function setup(thread) table.insert(threads, thread) end
function init(args)
  for line in io.lines("{paths}") do
    table.insert(requests, wrk.format("GET", line, {{ ["Host"] = "{host}", ["Authorization"] = "Bearer {key}" }}))
  end
  for page = 0, #requests - 1 do
    local file = io.open("{bodies}/" .. page, "rb")
    verified[file:read("*a")] = true
    file:close()
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
function response(status, headers, body)
  answers = answers + 1
  if status ~= 200 then wrong = wrong + 1 end
  if answers % 100 == 0 then
    checked = checked + 1
    if not verified[body] then wrong = wrong + 1 end
  end
end
function done(summary, latency, requests)
  local thread = threads[1]
  local errors = summary.errors
  io.write(string.format('\\nRESULT {{"requests": %d, "microseconds": %d, "checked": %d, "wrong": %d, "p99_microseconds": %d}}\\n',
    summary.requests, summary.duration, thread:get("checked"),
    thread:get("wrong") + errors.connect + errors.read + errors.write + errors.status + errors.timeout, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of load."""

    requests: int
    seconds: float
    cpu_seconds: float
    """User and system time of the subject."""
    checked: int

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def need(*programs: str) -> None:
    """Raises MissingError for programs that are not there."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        packages = " ".join(_PACKAGES.get(name, name) for name in missing)
        raise MissingError(f"{', '.join(missing)} must be installed (Debian: apt install {packages})")
    if (os.cpu_count() or 1) < 2:
        raise MissingError("two cores are needed: one for the gateway, one for the load")


def free_port() -> int:
    """A port that nobody listens on; the one above it is free too."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as one:
            port = int(one.getsockname()[1])
            with socket.socket() as two:
                if two.connect_ex(("127.0.0.1", port + 1)) != 0:
                    return port


@contextmanager
def process(command: list[str], port: int, core: int, *, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """A pinned process that listens on `port`; gives its pid, ends it afterwards. Raises BenchError if it does not come up."""
    log = cwd / f"{port}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            ["taskset", "-c", str(core), *command], stdout=output, stderr=output, cwd=cwd, env=dict(env) if env is not None else None
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if child.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{command[0]} does not listen: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.05)
        yield child.pid
    finally:
        child.terminate()
        child.wait(timeout=15)


def nginx(folder: Path, pages: Path, port: int) -> list[str]:
    """The command of the upstream."""
    config = folder / "nginx.conf"
    user = "user root;\n" if os.geteuid() == 0 else ""  # the pages are readable by their owner alone
    config.write_text(_NGINX.format(user=user, folder=folder, pages=pages, port=port), encoding="utf-8")
    return [shutil.which("nginx") or "nginx", "-c", str(config), "-e", str(folder / "nginx.log")]


def wrk_script(script: Path, *, paths: Path, bodies: Path, host: str, key: str) -> Path:
    """The load's script: asks for the addresses in `paths` in turn, compares with `bodies`."""
    script.write_text(_WRK.format(paths=paths, bodies=bodies, host=host, key=key), encoding="utf-8")
    return script


def measure(url: str, script: Path, seconds: float, pid: int) -> Measured:
    """One round. Raises BenchError if any answer was wrong."""
    before = cpu_seconds(pid)
    command = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds + 60)
    spent = cpu_seconds(pid) - before
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise BenchError(f"wrk failed: {done.stdout[-300:]} {done.stderr[-300:]}")
    result = json.loads(lines[0].removeprefix("RESULT "))
    if result["wrong"]:
        raise BenchError(f"{result['wrong']} of {result['requests']} answers were wrong")
    return Measured(result["requests"], result["microseconds"] / 1e6, spent, result["checked"])


def cpu_seconds(pid: int) -> float:
    """utime + stime of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
