"""The client base as keyed hashes: recognises a client's e-mail address, phone or tax number in any text, without knowing it in clear."""
