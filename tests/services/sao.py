"""A person's hands in Tryton's web client: sign in, open the list, mark, export. By element, never by text, so in any language."""

import json
from collections.abc import Sequence
from urllib.parse import quote

from playwright.sync_api import Frame, Locator, Page

PARTIES = "#crm/model/party.party"
TAB = "#tabcontent > .tab-pane.active"
"""The open tab; a card has tabs of its own within."""


def sign_in(page: Page | Frame, login: str, password: str) -> None:
    """Tryton asks for the name first and for the password in a second dialog."""
    page.locator(".login-dialog input#login").fill(login)
    page.locator(".login-dialog button[type=submit]").click()
    page.locator("#ask-dialog-entry").fill(password)
    page.locator("#ask-dialog-entry").press("Enter")
    page.locator("#menu tbody tr").first.wait_for()


def open_list(page: Page | Frame, parameters: str = "") -> Locator:
    """The list of parties as a link opens it; the active tab."""
    page.evaluate("h => { location.hash = h }", PARTIES + (f";{parameters}" if parameters else ""))
    return rows(page)


def rows(page: Page | Frame) -> Locator:
    """The active tab, once its list has a row."""
    tab = page.locator(TAB)
    tab.locator("tbody tr").first.wait_for()
    return tab


def these(ids: Sequence[int], name: str = "Meine") -> str:
    """Parameters of a list of exactly these clients."""
    return f"name={quote(json.dumps(name))}&domain={quote(json.dumps([['id', 'in', list(ids)]]))}"


def mark_all(page: Page | Frame) -> None:
    """The box in the head of the list."""
    page.locator(f"{TAB} thead th.selection-state input").check()


def open_export(page: Page | Frame, paths: Sequence[str]) -> Locator:
    """The window of the CSV export with these columns."""
    page.locator(f"{TAB} .toolbar a.navbar-brand").click()
    page.locator(f"{TAB} a#export").click()
    window = page.locator(".modal.csv.in")
    window.wait_for()
    add, _, clear = (window.locator(".col-md-2 > button").nth(place) for place in range(3))
    clear.click()
    for path in paths:
        window.locator(f'.column-fields li[path="{path}"]').first.click()
        add.click()
    return window


def save(window: Locator) -> None:
    """The button that makes the file; what comes of it, the caller waits for."""
    window.locator(".modal-footer button.btn-primary").click()
