"""Ways of writing text within text, one a file: base64, escapes, entities. See `detectors.formats`."""
