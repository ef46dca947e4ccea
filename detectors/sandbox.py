"""Shuts the scan worker in, after everything is loaded: hostile files are parsed beside the keys of the house (attacks X13).

What the platform does not offer is said, not hidden: the scan still runs in a process of its own, and the health page shows the rest.
"""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress
from dataclasses import dataclass

from detectors.seccomp import SeccompError, restrict

NOBODY = 65534
FILES = 64
"""Open files, those that it was given included."""
_CLONE_NEWNET = 0x40000000
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_ALL = (1 << 13) - 1
"""Every right of the first version of Landlock (landlock(7))."""
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


@dataclass(frozen=True, slots=True)
class Confinement:
    """How far the platform shuts a worker in; words for an administrator."""

    shut: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    """What this platform does not offer, and why."""


def confine(memory: int) -> Confinement:
    """Shut this process in for good: no file, network or process any more, `memory` bytes beyond what it holds now. Never raises."""
    shut: list[str] = []
    missing: list[str] = []
    for name, step in (
        ("limits of memory and files", lambda: _limits(memory)),
        ("network of its own", _no_network),
        ("user nobody", _nobody),
        ("no file by path", _no_paths),
        ("system calls", restrict),
    ):
        try:
            done = step()
        except (OSError, ValueError, AttributeError, ImportError, SeccompError) as error:
            missing.append(f"{name}: {error}")
        else:
            if done is not False:
                shut.append(name)
    return Confinement(tuple(shut), tuple(missing))


def _limits(memory: int) -> None:
    import resource  # not on Windows

    for what, limit in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_NOFILE, FILES)):
        resource.setrlimit(what, (limit, limit))
    with open("/proc/self/statm", encoding="ascii") as pages:  # noqa: PTH123 # the worker imports nothing for this
        held = int(pages.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + memory, held + memory))


def _no_network() -> None:
    """Only root may do this without a further namespace; the filter of system calls refuses sockets in any case."""
    if platform.system() != "Linux":
        raise OSError(f"not on {platform.system()}")
    os.unshare(_CLONE_NEWNET)


def _nobody() -> bool:
    """Only root can become nobody; for another user there is nothing to give up."""
    if os.geteuid() != 0:
        return False
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    return True


def _no_paths() -> None:
    """Landlock with no rule: no path may be opened, also where system calls are not filtered."""
    if platform.system() != "Linux":
        raise OSError(f"not on {platform.system()}")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.syscall.restype = ctypes.c_long
    rights = ctypes.c_uint64(_LANDLOCK_ALL)
    rules = libc.syscall(ctypes.c_long(_LANDLOCK_CREATE), ctypes.byref(rights), ctypes.c_size_t(8), ctypes.c_uint32(0))
    if rules < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    try:
        if libc.syscall(ctypes.c_long(_LANDLOCK_RESTRICT), ctypes.c_int(rules), ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        with suppress(OSError):
            os.close(rules)
