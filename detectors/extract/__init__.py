"""Container formats, one a file: each takes content apart into text and further bytes. See `detectors.formats`."""
