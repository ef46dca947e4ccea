"""The demo's console: the ordinary one with the demo's start page and software key. `python -m deploy.demo.console_process CONFIG PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from console.server import run
from deploy.demo.keyring import KeyringClient
from deploy.demo.notes import Notes
from deploy.demo.pages import router


def main(config: Path, keyring_port: int) -> int:
    """Serve until the process is ended."""
    notes = Notes(config.parent)
    known = notes.read()
    keyring = KeyringClient(keyring_port)
    return run(config, extensions=[router(notes, keyring, origin=known["torwart_url"], crm_origin=known["crm_url"])], demo=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
