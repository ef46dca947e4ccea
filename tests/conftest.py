"""Real parts as fixtures: one module per service under `tests/services`.

What a test needs is read from its fixtures, so that `make check` can leave out what starts a CRM or a browser, and `make test` can end with
a list of what this machine could not run, and why.
"""

import pytest

pytest_plugins = [
    "tests.services.agents",
    "tests.services.browser",
    "tests.services.console",
    "tests.services.demo",
    "tests.services.firm_base",
    "tests.services.elapsed",
    "tests.services.elastic",
    "tests.services.elastic_trio",
    "tests.services.front",
    "tests.services.gate",
    "tests.services.gateway",
    "tests.services.house",
    "tests.services.outside",
    "tests.services.post",
    "tests.services.postgres",
    "tests.services.secure_house",
    "tests.services.tryton",
    "tests.services.way_out",
]
SERVICES = {
    "prepared_tryton": "tryton",
    "tryton_web_client": "sao",
    "chromium": "chromium",
    "demo": "tryton",
    "firm": "tryton",
    "fresh_firm": "tryton",
    "elastic_node": "elasticsearch",
    "elastic": "elasticsearch",
    "each_elastic": "elasticsearch",
    "guarded": "elasticsearch",
    "trio": "elasticsearch",
    "postgres": "postgresql",
    "secure_house": "tryton",
    "trusting_chromium": "chromium",
}
"""Fixture -> the real part that it starts."""
SLOW = {
    "faults",
    "scenarios",
    "test_app.py",
    "test_commands.py",
    "test_desk.py",
    "test_event.py",
    "test_forward_bodies.py",
    "test_forward_framing.py",
    "test_gates.py",
    "test_messages.py",
    "test_tunnels.py",
    "test_uplink.py",
    "test_way_out.py",
    "test_x09_heads.py",
    "test_x09_proxy.py",
    "test_x11_oracle.py",
    "test_framing.py",
    "test_keys.py",
    "test_laws.py",
    "test_layers.py",
    "test_learner.py",
    "test_notify.py",
    "test_oracle_cedar.py",
    "test_policy_files.py",
    "test_scanner.py",
    "test_serve.py",
    "test_spellings.py",
    "test_starter.py",
    "test_stepup.py",
    "test_x13_scan_worker.py",
    "test_x22_agent_words.py",
}
"""Folders and files that `make check` leaves to `make test`: processes, whole journeys, fifty threads, rules made by the thousand."""
ALONE = {"test_elastic_trio.py"}
"""Files of which each takes the whole machine: three nodes of Elasticsearch that start at once."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the real parts that its fixtures start, and those that are slow by nature."""
    for item in items:
        if SLOW & set(item.path.parts):
            item.add_marker(pytest.mark.slow)
        if item.path.name in ALONE:
            item.add_marker(pytest.mark.alone)
        for fixture, service in SERVICES.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.needs(service))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what could not be run here, once per reason, with the number of tests."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("not run on this machine")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} tests: {reason.removeprefix('Skipped: ')}")
