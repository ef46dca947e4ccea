"""How often a long-lived process of Torwart looks for garbage that no reference count has freed."""

from __future__ import annotations

import gc


def settle() -> None:
    """Spare the collector what stays for ever, and look for new garbage less often; once, when the process is ready to serve.

    Nearly everything is freed without it; what waits for it are the proxy library's objects of connections that have ended, without their
    bodies (`gateway.exchanges`). It saves 2 % of a small answer of the gateway, 6 % of a large one, and a sixth of taking the record and
    shipping it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
