"""The demo's forward proxy: the ordinary one, allowed to use a state folder of the demo. `python -m deploy.demo.proxy_process CONFIG`."""

import sys
from pathlib import Path

from gateway.forward.serve import serve

if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), demo=True))
