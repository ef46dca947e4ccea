"""A filter of system calls (seccomp, Linux): what is not needed to compute on memory and talk over open pipes answers EPERM.

Classic BPF, handed over with ctypes: see seccomp(2) and `Documentation/userspace-api/seccomp_filter.rst` of the kernel, whose files
`arch/x86/entry/syscalls/syscall_64.tbl` and `include/uapi/asm-generic/unistd.h` give the numbers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "poll": (7, None),
    "ppoll": (271, 73),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "setitimer": (38, 103),
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "membarrier": (324, 283),
    "rseq": (334, 293),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getrusage": (98, 165),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""Name -> number on x86_64, number on aarch64. Nothing here opens, connects, starts, sends a signal or changes a right."""
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000
_SET_MODE_FILTER, _TSYNC = 1, 1
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_PR_SET_NO_NEW_PRIVS = 38


class SeccompError(Exception):
    """The platform has no such filter; the text says what was refused."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def restrict() -> None:
    """Put the filter on all threads of this process, for good. Raises SeccompError."""
    machine = platform.machine()
    if os.name != "posix" or platform.system() != "Linux" or machine not in _AUDIT_ARCH:
        raise SeccompError(f"no filter of system calls for {platform.system()} on {machine}")
    code = program(machine)
    buffer = ctypes.create_string_buffer(code, len(code))
    call = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise SeccompError(f"no_new_privs: {os.strerror(ctypes.get_errno())}")
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(ctypes.c_long(_SECCOMP[machine]), _SET_MODE_FILTER, _TSYNC, ctypes.byref(call)) != 0:
        raise SeccompError(f"seccomp: {os.strerror(ctypes.get_errno())}")


def program(machine: str) -> bytes:
    """The filter for a machine, eight bytes an instruction: another architecture is killed, allowed calls pass, all others get EPERM."""
    column = list(_AUDIT_ARCH).index(machine)
    numbers = sorted(number for numbers in _ALLOWED.values() if (number := numbers[column]) is not None)
    jumps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, len(numbers), 0, _X32),
    ]
    for place, number in enumerate(numbers):
        jumps.append((_EQUAL, len(numbers) - place, 0, number))
    jumps += [(_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("<HBBI", *jump) for jump in jumps)
