"""CRM profiles: what a call of a known CRM means. `profiles/` has one file per CRM, `protocols/` the wire, `formats/` the file formats."""
