"""Behaviour rules: one file each, found by walking this folder. A file has one `RULE` (`detectors.base`)."""
