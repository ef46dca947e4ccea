"""A key that was locked because it was lost, or copied, proves nothing any more: not by a touch that is still fresh either (X24)."""

from datetime import UTC, datetime

from policies.request import KeyClass
from tests.services.gate import Gate
from tests.services.tryton_calls import TOKEN


async def test_the_last_touch_of_a_locked_key_does_not_count(gate: Gate) -> None:
    directory, keys = gate.assembled.handler.directory, gate.assembled.handler.touch.stepup._keys
    session = directory.session(TOKEN)
    assert session is not None
    directory.touched(session.id, datetime.now(UTC), KeyClass.HARDWARE)
    directory.refresh()
    assert directory.principal(session).proven_at is not None
    keys.lock(keys.of(gate.boris.id)[0].id, None)
    directory.refresh()
    assert directory.principal(session).proven_at is None
