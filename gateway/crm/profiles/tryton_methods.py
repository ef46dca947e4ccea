"""Tryton's furniture: the methods that carry no client and may pass with a sign-in, one by one. Any other method is unknown.

What each of them does was read in trytond 8.0 and in its web client.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

PUBLIC = frozenset({"common.server.version", "common.db.list", "common.authentication.services"})
"""Facts that Tryton tells everybody, on `/rpc/` only."""


class Say(StrEnum):
    """What goes out instead of the CRM's answer, where the answer could name clients and nobody could say whose it is."""

    AS_IS = "as it is"
    NOTHING = "an empty list"
    ZERO = "zero"
    NO_CLIENTS = "the rows of other models"
    NO_LINKS = "without links to clients"


FURNITURE: Mapping[str, Say] = dict.fromkeys(
    [
        "model.res.user.get_preferences",
        "model.res.user.get_preferences_fields_view",
        "model.res.user.device.renew",
        "model.res.user.warning.skip",
        "model.res.notification.mark_read",
        "model.res.notification.list_icons",
        "model.ir.model.list_models",
        "model.ir.model.list_history",
        "model.ir.model.get_names",
        "model.ir.model.get_notification",
        "model.ir.model.access.get_access",
        "model.ir.model.button.click.get_click",
        "model.ir.action.get_action_value",
        "model.ir.action.keyword.get_keyword",
        "model.ir.action.act_window.get",
        "model.ir.chat.channel.get_models",
        "model.ir.export.set",
        "model.ir.export.update",
        "model.ir.export.unset",
        "model.ir.ui.icon.list_icons",
        "model.ir.ui.menu.list_icons",
        "model.ir.ui.menu.favorite.get",
        "model.ir.ui.menu.favorite.set",
        "model.ir.ui.menu.favorite.unset",
        "model.ir.ui.menu.fields_view_get",
        "model.ir.ui.menu.fields_get",
        "model.ir.ui.menu.view_toolbar_get",
        "model.ir.ui.view_search.get",
        "model.ir.ui.view_search.set",
        "model.ir.ui.view_search.unset",
        "model.ir.ui.view_tree_state.get",
        "model.ir.ui.view_tree_state.set",
        "model.ir.ui.view_tree_optional.set_optional",
        "model.ir.ui.view_tree_width.set_width",
        "model.ir.ui.view_tree_width.reset_width",
        "model.party.party.get_sale_invoice_method",
        "model.party.party.get_sale_shipment_method",
        "model.party.identifier.get_types",
        "model.party.address.get_subdivision_types",
        "wizard.ir.module.config_wizard.create",
        "wizard.ir.module.config_wizard.execute",
        "wizard.ir.module.config_wizard.delete",
    ],
    Say.AS_IS,
) | {
    # The search field above the menu finds clients by phone number and e-mail address (attacks X5).
    "model.ir.model.global_search": Say.NO_CLIENTS,
    # Completes an e-mail address from the clients' ones.
    "model.ir.email.complete": Say.NOTHING,
    # Texts of other people's making, about any record.
    "model.res.notification.get": Say.NOTHING,
    "model.res.notification.get_count": Say.ZERO,
}

DESCRIPTIONS = frozenset({"fields_get", "fields_view_get", "view_toolbar_get"})
"""Methods of every model below that describe it and carry no record."""

NEUTRAL_MODELS = frozenset(
    [
        "ir.lang",
        "ir.ui.icon",
        "ir.ui.menu",
        "ir.calendar.day",
        "ir.calendar.month",
        "ir.action.act_window",
        "res.user",
        "country.country",
        "country.subdivision",
        "country.postal_code",
        "country.organization",
        "currency.currency",
        "party.category",
        "party.address.subdivision_type",
        "party.address.format",
        "stock.location",
        "account.invoice.payment_term",
    ]
)
"""Record types that are no client's and point at none: they may be read and searched, field by field."""

FORMS: Mapping[str, Say] = {
    "default_get": Say.NO_LINKS,
    "on_change": Say.NO_LINKS,
    "on_change_with": Say.NO_LINKS,
    "pre_validate": Say.AS_IS,
    # "Somebody else has the same phone number": an answer to a question on hidden values.
    "on_change_notify": Say.NOTHING,
    "autocomplete": Say.NOTHING,
    "autocomplete_city": Say.AS_IS,
    "autocomplete_postal_code": Say.AS_IS,
}
"""Methods with which a form thinks along, on records that hang on a client; `on_change_FIELD` counts as `on_change`."""

OUTBOUND = frozenset(
    [
        "model.ir.email.send",
        "model.ir.chat.channel.post",
        "model.ir.chat.channel.subscribe",
        "model.ir.chat.channel.subscribe_email",
    ]
)
"""The CRM itself sends data out, or fills a letter with it (attacks X21)."""

CREDENTIALS = "model.res.user.application."
"""Every method on REST keys makes, shows or validates a credential."""

REPORTS = frozenset({"report.party.label.execute"})
WIZARDS: Mapping[str, str] = {"wizard.party.replace.": "copy", "wizard.party.erase.": "delete"}
"""Merging two clients, and erasing one."""
