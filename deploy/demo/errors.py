"""The one error of the demo."""


class DemoError(Exception):
    """The demo cannot go on; the text is one line that says what is wrong and what to do."""
