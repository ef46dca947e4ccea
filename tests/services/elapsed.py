"""How long a run has taken, said while it runs: one that is cut short has told how far it came, and when."""

import time

import pytest

EVERY = 60.0
"""Seconds between two notes."""


class Elapsed:
    """Writes the minutes between the dots."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._start = self._said = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        now = time.monotonic()
        if report.when == "call" and now - self._said >= EVERY:
            self._said = now
            self._reporter.write(f"({(now - self._start) / 60:.0f} min)")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Only the process that writes: workers of xdist have no terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Elapsed(reporter))
