"""The walls around a scan worker, and what is said where a platform has none."""

from __future__ import annotations

import errno
import platform
import struct
import subprocess
import sys

import pytest

from detectors import sandbox, seccomp
from detectors.sandbox import confine
from detectors.seccomp import SeccompError, program, restrict

OPENAT = {"x86_64": 257, "aarch64": 56}
READ = {"x86_64": 0, "aarch64": 63}
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL, EPERM = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM


def run(code: bytes, number: int, arch: int) -> int:
    """What the kernel would do: a small machine for the instructions that are used."""
    steps = [struct.unpack_from("<HBBI", code, at) for at in range(0, len(code), 8)]
    data = {0: number, 4: arch}
    at, value = 0, 0
    while True:
        operation, true, false, operand = steps[at]
        at += 1
        match operation:
            case 0x20:
                value = data[operand]
            case 0x15:
                at += true if value == operand else false
            case 0x35:
                at += true if value >= operand else false
            case 0x06:
                return operand
            case _:
                raise AssertionError(operation)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_what_is_listed_and_nothing_else(machine: str) -> None:
    code = program(machine)
    column = list(ARCH).index(machine)
    allowed = {number for row in seccomp._ALLOWED.values() if (number := row[column]) is not None}
    assert READ[machine] in allowed
    assert OPENAT[machine] not in allowed
    for number in range(600):
        assert run(code, number, ARCH[machine]) == (ALLOW if number in allowed else EPERM)
    assert run(code, READ[machine], 0x40000003) == KILL
    assert run(code, 0x40000000 | READ[machine], ARCH[machine]) == EPERM


@pytest.mark.skipif(platform.system() != "Linux", reason="the walls are Linux's")
def test_a_process_that_shut_itself_in_can_compute_and_nothing_else() -> None:
    code = (
        "from detectors.sandbox import confine\nimport os\nsaid = confine(1 << 30)\n"
        "assert 'system calls' in said.shut, said\nassert sum(range(10)) == 45\n"
        "try:\n    os.open('/etc/hostname', os.O_RDONLY)\nexcept PermissionError:\n    os.write(1, b'shut')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"shut"


def test_where_there_is_no_such_thing_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(SeccompError, match="Darwin"):
        restrict()
    monkeypatch.setattr(sandbox, "_limits", lambda memory: None)
    monkeypatch.setattr(sandbox, "_nobody", lambda: False)
    said = confine(1 << 30)
    assert said.shut == ("limits of memory and files",)
    assert [words.partition(":")[0] for words in said.open] == ["network of its own", "no file by path", "system calls"]
