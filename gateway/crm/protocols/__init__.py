"""How calls are written: one file per protocol, without any knowledge of a CRM."""
