"""Our packages are plain top-level names (docs/decisions/0001): nobody else in the environment may have one of them."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_no_other_distribution_provides_one_of_our_names() -> None:
    providers = packages_distributions()
    assert {name: providers.get(name, []) for name in PACKAGES if set(providers.get(name, [])) - {"torwart"}} == {}


def test_the_wheel_has_all_packages_but_not_the_demo() -> None:
    assert "deploy" not in PACKAGES
    assert all((ROOT / name / "__init__.py").is_file() for name in PACKAGES)
