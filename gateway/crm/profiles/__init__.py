"""One file per CRM, found by `gateway.crm.discover`; its tables lie beside it and begin with its name."""
