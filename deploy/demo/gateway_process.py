"""The demo's gateway: the ordinary one, allowed to use a state folder of the demo. `python -m deploy.demo.gateway_process CONFIG`."""

import sys
from pathlib import Path

from gateway.serve import serve

if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), demo=True))
