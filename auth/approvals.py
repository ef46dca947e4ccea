"""Four eyes (decision 0018): a second person says yes to exactly one thing, with the own key, and its requester may then do it once.

An approval executes nothing. The requester repeats the act; `take` gives the proofs of a request once, after every stored touch was
checked again. What each key signs is all of the request that its person was shown, with the time of the answer: whoever changes the row
afterwards has a row without a signature (attacks X12). The checks of an approval, numbered in `auth.approval_answers`:

 1. the request is open, of this run of the clock, and not over
 2. the approver is neither the requester nor whom it is about, and is not cut off
 3. the approver has a role that is asked for, now and again when it is taken
 4. the key was registered before the request was made, and not by the emergency envelope: nobody makes a second person for it
 5. the touch is right in all that `auth.keys` checks, at once and again when it is taken
 6. it is not older than the rule lets it be
 7. of what one person may approve alone: the address outside was told, and the delay since then is over; nobody else is there now
"""

from __future__ import annotations

from sqlalchemy import select

from audit_store.event import EventAction
from auth.approval_answers import Answering
from auth.approval_asking import Asking
from auth.approval_needs import fulfilled
from auth.approval_notices import Noticing
from auth.approval_request import ApprovalKind
from auth.approval_rows import UNENDED
from auth.approval_tables import Approval as Given
from auth.approval_tables import ApprovalRequest
from auth.console_sessions import may_sign_in
from auth.storage import database_now, reading, writing
from auth.tables import Person
from auth.used_acts import APPROVAL
from policies.document import read_need
from policies.request import ApprovalProof


class Approvals(Asking, Answering, Noticing):
    """The requests of one installation: asked for, answered, told, and taken once."""

    def given(self, kind: ApprovalKind, requester: str | None, digest: str) -> tuple[ApprovalProof, ...]:
        """The yeses to exactly this that stand now, to be shown to `decide`; nothing is used up. Empty if there are none."""
        with reading(self._engine) as session:
            now = database_now(session)
            request = self._matching(session, kind, requester, digest, now)
            return tuple(proof for proof, _ in self._proofs(session, request, now)) if request is not None else ()

    def take(self, kind: ApprovalKind, requester: str | None, digest: str) -> tuple[ApprovalProof, ...] | None:
        """The proofs of what enough others have said yes to, once; None if they have not. Every stored touch is checked again.

        Raises OSError if it cannot be noted that they are used up.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            request = self._matching(session, kind, requester, digest, now)
            if request is None or request.state != "given":
                return None
            person = session.get(Person, requester) if requester is not None else None
            if requester is not None and (person is None or not may_sign_in(person)):
                return None
            proofs = tuple(proof for proof, _ in self._proofs(session, request, now, tell=True))
            if not fulfilled(read_need(request.need), proofs, now):
                return None
            if not self._used.spend(f"{APPROVAL}{request.id}"):  # in a database that was put back
                self._say(EventAction.APPROVAL_DOUBTED, request, by=requester, outcome="failure", cause="used")
                return None
            self._end(request, "taken", now)  # the write lock is held: nobody else takes it meanwhile
            self._say(EventAction.APPROVAL_TAKEN, request, by=requester)
        return proofs

    def expire(self) -> int:
        """Write down which requests have run out (or are of another run of the clock), each recorded; how many.

        A draft that nobody asked about is deleted: its act says what became of it.
        """
        with writing(self._engine) as session:
            now = database_now(session)
            over = select(ApprovalRequest).where(ApprovalRequest.state.in_(UNENDED), ~self._alive(now))
            requests = list(session.scalars(over))
            for request in requests:
                if request.state == "draft":
                    for given in session.scalars(select(Given).where(Given.request_id == request.id)):
                        session.delete(given)
                    session.flush()
                    session.delete(request)
                    continue
                self._end(request, "expired", now)
                self._say(EventAction.APPROVAL_ENDED, request, by=request.requester_id, outcome="failure", cause="expired")
            return sum(request.state == "expired" for request in requests)
