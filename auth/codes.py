"""Everything about codes and lost keys of one installation, made once per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from audit_store.event import Event
from audit_store.pseudonyms import secret
from auth.approvals import Approvals
from auth.break_glass import BreakGlasses
from auth.installation import Installation
from auth.keys import Keys
from auth.own_touch import OwnTouch
from auth.recovery import Recoveries
from auth.recovery_codes import RecoveryCodes
from auth.row_seal import RowSeal
from auth.second_road import SecondRoads
from auth.stepup import StepUp
from auth.totp import KEY_FILE, Totp


@dataclass(frozen=True, slots=True)
class Codes:
    """The roads beside the key, and back to it."""

    touch: OwnTouch
    totp: Totp
    roads: SecondRoads
    recovery_codes: RecoveryCodes
    recoveries: Recoveries
    glasses: BreakGlasses


def open_codes(
    installation: Installation, engine: Engine, record: Callable[[Event], object], keys: Keys, stepup: StepUp, approvals: Approvals
) -> Codes:
    """Raises SecretError, OSError."""
    key, seal = secret(installation.state / "keys", KEY_FILE), RowSeal.of(installation.state)
    totp = Totp(engine, record, key)
    recovery_codes = RecoveryCodes(engine, record, seal)
    settings = installation.recovery
    return Codes(
        touch=OwnTouch(engine, record, keys),
        totp=totp,
        roads=SecondRoads(engine, record, stepup, totp.tries, key),
        recovery_codes=recovery_codes,
        recoveries=Recoveries(engine, record, keys, approvals, recovery_codes, totp.tries, seal, settings),
        glasses=BreakGlasses(engine, record, keys, totp.tries, seal, settings),
    )
