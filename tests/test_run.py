"""`make test` runs a file in which something failed beside others once more, whole."""

from pathlib import Path

import pytest

from tests import run

VISIT = """
import pathlib
import pytest
pytestmark = pytest.mark.slow
entered = False

def test_enters():
    global entered
    entered = True

def test_goes_on():
    assert entered
    been = pathlib.Path("been")
    first = not been.exists()
    been.touch()
    assert not first

def test_never(): {never}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("never", "status"), [("pass", 0), ("assert False", run.FAILED)])
def test_a_step_that_fails_beside_others_has_its_earlier_steps_again(
    never: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    needs\n    slow\n    alone\n", encoding="utf-8")
    (tmp_path / "test_visit.py").write_text(VISIT.format(never=never), encoding="utf-8")
    (tmp_path / "test_other.py").write_text("import pytest\n@pytest.mark.slow\ndef test_other(): pass\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run.main(["."]) == status
    assert (tmp_path / "been").exists()
