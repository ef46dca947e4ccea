import subprocess
import sys
from pathlib import Path

import pytest

from auth.template import template
from console.cli import COMMANDS, main


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.cli", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60
    )


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("events", "search", "--outcome", "denied"), "Invalid value for '--outcome': 'denied' is not one of 'success'"),
        (("events", "search", "--limit", "0"), "Invalid value for '--limit': Input should be greater than or equal to 1"),
        (("policy", "show", "--nothing"), "No such option: --nothing"),
        (("events", "serch"), "No such command 'serch'"),
    ],
)
def test_what_cannot_be_understood_is_said_in_words_and_ends_with_2(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(words)
    heard = " ".join(capsys.readouterr().err.replace("│", "").split())
    assert (ended.value.code, said in heard, "Value error" in heard) == (2, True, False)


def test_what_is_broken_off_at_a_prompt_is_no_finding(tmp_path: Path):
    config = tmp_path / "torwart.yaml"
    config.write_text(template(), encoding="utf-8")
    done = run("index", "build", "--account", "nobody", "--config", str(config))
    assert (done.returncode, "torwart: broken off" in done.stderr) == (2, True)
