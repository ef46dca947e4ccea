"""How data is written: one file per format, read exactly or not at all."""
