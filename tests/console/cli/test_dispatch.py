import subprocess
import sys

import pytest

from console.cli import COMMANDS, main


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "console.cli", *words], capture_output=True, text=True, check=False, timeout=60)


def test_every_command_of_the_table_is_there_and_explains_itself(capsys: pytest.CaptureFixture[str]):
    for name, command in COMMANDS.items():
        assert command.is_here, name
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code in (0, None)
        assert f"torwart {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("-h",)])
def test_help_lists_every_command(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize(("word", "hint"), [("polcy", "torwart policy"), ("xyzzy", "torwart help")])
def test_an_unknown_command_ends_with_a_hint(word: str, hint: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([word])
    assert ended.value.code == 2
    assert hint in capsys.readouterr().err


def test_help_loads_no_process():
    code = """
import sys
from console.cli import main
try:
    main(["help"])
except SystemExit:
    pass
assert not {"mitmproxy", "fastapi", "sqlalchemy"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_module_runs_as_the_command_does():
    assert run("help").stdout.startswith("Torwart")
