"""X1: keys are used on Torwart's own host only. What is signed on the CRM's origin opens nothing, and there no key can be asked for."""

import httpx
import pytest

from deploy.demo.ceremony import act_of
from tests.services.gateway import FIELDS, RunningFirm, phase

pytestmark = pytest.mark.slow
NO_KEYS = "publickey-credentials-get=(), publickey-credentials-create=()"


@pytest.mark.parametrize(
    "origin", ["crm", "http://torwart.localhost", "https://torwart.localhost:8401", "http://torwart.localhost.:8401", "null"]
)
def test_a_signature_made_elsewhere_releases_nothing(firm: RunningFirm, origin: str) -> None:
    own = firm.book("anna")[:3]
    with firm.log_in("anna") as anna:
        held = anna.post("model.party.party.export_data", own, FIELDS, True, {})
        act_id = act_of(held)
        assert not firm.touch(act_id, origin=firm.url if origin == "crm" else origin)
        again = anna.post("model.party.party.export_data", own, FIELDS, True, {})
        assert (held.status_code, again.status_code) == (401, 401)
        assert not firm.leaks(held.content + again.content)
        assert "released" not in [phase(event) for event in firm.acts() if event["torwart"]["act"].get("id") == act_id]
        firm.cancel(act_id)


def test_every_answer_on_the_crm_s_host_forbids_key_ceremonies(firm: RunningFirm) -> None:
    answers: list[httpx.Response] = []
    with firm.log_in("anna") as anna, firm.http() as nobody:
        own = firm.book("anna")[0]
        for method, params in (
            ("model.party.party.read", ([own], ["name"], {})),  # allowed
            ("model.party.party.export_data", ([own], FIELDS, False, {})),  # held
            ("model.party.party.history_revisions", ([own], {})),  # unknown
            ("model.ir.ui.menu.search", ([], 0, None, None, {})),  # furniture
        ):
            answers.append(anna.post(method, *params))
        firm.cancel(act_of(answers[1]))
        answers += [
            nobody.get(path) for path in ("/", "/index.html", "/missing.js", "/crm/bus", "/.torwart/page.js", "/.torwart/x", "/a/../b")
        ]
        answers.append(nobody.post("/crm/rpc/", content=b"{"))
    assert [answer.headers.get_list("permissions-policy") for answer in answers] == [[NO_KEYS]] * len(answers)
