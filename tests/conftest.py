"""Real parts as fixtures: one module per service under `tests/services`."""

pytest_plugins = ["tests.services.browser", "tests.services.console", "tests.services.front", "tests.services.house", "tests.services.post", "tests.services.tryton"]
