"""The way in and out: judges every exchange with the CRM. Only `server.py` and `addon.py` know mitmproxy."""
