"""Goal 1: requests a second through the gateway with everything on, over those through stock mitmdump, on the same upstream.

On: identity, decision, masks, counting, durable record. Before the rounds every page is fetched once through both and compared with what
the manager may see, worked out here and not by the gateway; during them every 100th answer is compared byte for byte; after them the
events that are read back are counted against the requests that were sent.
"""

from __future__ import annotations

import http.client
import json
import math
import ssl
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from audit_store.spool import SpoolReader
from tests.bench.firm import PAGES, SIZES, Firm, Installation, install
from tests.bench.load import CONNECTIONS, LOAD_CORE, SUBJECT_CORE, Measured, free_port, measure, need, nginx, process, wrk_script
from tests.bench.report import BenchError, Row, row

ROUNDS, SECONDS, WARM_UP_SECONDS = 5, 5.0, 2.0
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Subject:
    """One of the two that are compared."""

    name: str
    port: int
    secure: bool
    pid: int
    key: str
    sent: int = 0
    """Requests that it answered."""
    runs: int = 0
    """Rounds of load: at the end of each, some requests are on the way."""
    rates: dict[str, list[Measured]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"


def run(quick: bool) -> dict[str, Row]:
    """The row `gateway_throughput`. Raises BenchError."""
    need("nginx", "wrk", "taskset", "openssl")
    rounds, seconds = (1, 1.0) if quick else (ROUNDS, SECONDS)
    firm = Firm.make()
    ratios: dict[str, list[float]] = {}
    lines: list[str] = []
    raw: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as name:
        folder = Path(name)
        firm.write_pages(folder / "pages")
        certificate = _certificate(folder)
        for secure in (False, True):
            for size_name, (pairs, cpu) in _compare(folder, firm, certificate if secure else None, rounds, seconds).items():
                case = f"{size_name} {'TLS' if secure else 'plain'}"
                ratios[case] = [ours.rate / stock.rate for ours, stock in pairs]
                raw[case] = [[round(ours.rate, 1), round(stock.rate, 1)] for ours, stock in pairs]
                middle = sorted(ratios[case])[len(pairs) // 2]
                lines.append(f"{case:13} {middle:5.2f} x   CPU per request, gateway / stock: {cpu[0] * 1e3:.2f} / {cpu[1] * 1e3:.2f} ms")
    together = [math.prod(ratios[case][n] for case in ratios) ** (1 / len(ratios)) for n in range(rounds)]
    return {"gateway_throughput": row(together, floor=1.0, target=1.4, cases=ratios, requests_per_second=raw, lines=lines)}


type Pairs = list[tuple[Measured, Measured]]


def _compare(
    folder: Path, firm: Firm, certificate: tuple[Path, Path] | None, rounds: int, seconds: float
) -> dict[str, tuple[Pairs, tuple[float, float]]]:
    """Both subjects, side by side, with or without TLS: for each size the paired rounds and the CPU seconds per request."""
    work = folder / ("tls" if certificate else "plain")
    work.mkdir()
    upstream, ours, stock = free_port(), free_port(), free_port()
    installed = install(work / "firm", port=ours, upstream=upstream, certificate=certificate)
    python = sys.executable
    mitmdump = [str(Path(python).with_name("mitmdump")), "-q", "--set", f"confdir={work / 'mitm'}"]
    mitmdump += ["--mode", f"reverse:http://127.0.0.1:{upstream}", "--listen-host", "127.0.0.1", "--listen-port", str(stock)]
    mitmdump += ["--certs", str(folder / "both.pem")] if certificate else []
    with ExitStack() as stack:
        stack.enter_context(process(nginx(work, folder / "pages", upstream), upstream, LOAD_CORE, cwd=work))
        pid = stack.enter_context(process([python, "-m", "gateway.serve", str(installed.config)], ours, SUBJECT_CORE, cwd=work, env=_env()))
        gateway = Subject("gateway", ours, certificate is not None, pid, installed.key)
        pid = stack.enter_context(process(mitmdump, stock, SUBJECT_CORE, cwd=work))
        plain = Subject("mitmdump", stock, certificate is not None, pid, installed.key)
        results: dict[str, tuple[Pairs, tuple[float, float]]] = {}
        for size_name, size in SIZES.items():
            scripts = [_verified(work, firm, subject, size) for subject in (gateway, plain)]
            for subject, script in zip((gateway, plain), scripts, strict=True):
                _round(subject, script, WARM_UP_SECONDS)
            pairs = [(_round(gateway, scripts[0], seconds), _round(plain, scripts[1], seconds)) for _ in range(rounds)]
            cpu = [sum(pair[n].cpu_seconds for pair in pairs) / sum(pair[n].requests for pair in pairs) for n in (0, 1)]
            results[size_name] = (pairs, (cpu[0], cpu[1]))
    _check_record(installed, gateway)
    return results


def _round(subject: Subject, script: Path, seconds: float) -> Measured:
    measured = measure(subject.url, script, seconds, subject.pid)
    subject.sent += measured.requests
    subject.runs += 1
    return measured


def _verified(work: Path, firm: Firm, subject: Subject, size: int) -> Path:
    """Fetch every page once, compare it with what may come out, and give the load's script. Raises BenchError."""
    host = f"crm.localhost:{subject.port}"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = (
        http.client.HTTPSConnection("127.0.0.1", subject.port, context=context, timeout=30)
        if subject.secure
        else http.client.HTTPConnection("127.0.0.1", subject.port, timeout=30)
    )
    bodies = work / f"{subject.name}-{size}"
    bodies.mkdir()
    for number in range(PAGES):
        connection.request("GET", firm.path(size, number), headers={"Host": host, "Authorization": f"Bearer {subject.key}"})
        answer = connection.getresponse()
        body = answer.read()
        wanted = firm.delivered(size, number) if subject.name == "gateway" else firm.pages[size][number]
        if answer.status != 200 or json.loads(body) != wanted:
            raise BenchError(f"{subject.name} gave a wrong page {number} of {size} records: {answer.status} {body[:300]!r}")
        (bodies / str(number)).write_bytes(body)
        subject.sent += 1
    connection.close()
    paths = work / f"paths-{size}"
    paths.write_text("\n".join(firm.path(size, number) for number in range(PAGES)) + "\n", encoding="utf-8")
    return wrk_script(work / f"{subject.name}-{size}.lua", paths=paths, bodies=bodies, host=host, key=subject.key)


def _check_record(installed: Installation, gateway: Subject) -> None:
    """The released acts that are read back, against the answers that were received. Raises BenchError."""
    spool = SpoolReader.open(installed.spool)
    released, after = 0, 0
    while stored := spool.read(after, 5_000):
        after = stored[-1].sequence
        for one in stored:
            document = json.loads(one.canonical)
            released += document["event"]["action"] == "access" and document["torwart"]["act"]["phase"] == "released"
    spool.close()
    on_the_way = gateway.runs * CONNECTIONS
    if not gateway.sent <= released <= gateway.sent + on_the_way:
        raise BenchError(f"{released} events for {gateway.sent} answers: {gateway.sent - released} acts are not in the record")


def _env() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def _certificate(folder: Path) -> tuple[Path, Path]:
    chain, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=crm.localhost", "-addext", "subjectAltName=DNS:crm.localhost", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "both.pem").write_bytes(key.read_bytes() + chain.read_bytes())
    return chain, key
