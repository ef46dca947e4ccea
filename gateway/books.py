"""What the CRM's answers say about whose a client is: owners that they name, clients just created, clients gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from auth.assignments import Assignments
from auth.directory import Directory
from gateway.crm.profile import Answer
from policies.request import Principal


@dataclass(frozen=True, slots=True)
class Books:
    """Keeps the table of owners in step with the CRM, before an answer is judged."""

    directory: Directory
    assignments: Assignments
    now: Callable[[], datetime]

    def learn(self, answer: Answer, principal: Principal) -> None:
        """A client just created belongs to its creator at once; an owner field of the CRM overrules the table. Then the directory knows."""
        if answer.owners:
            people = {client: self.directory.person_of_account(owner) if owner else None for client, owner in answer.owners.items()}
            news = {
                client: person
                for client, person in people.items()
                if not self.directory.knows(client) or self.directory.owner(client) != person
            }
            self.assignments.seen_owner(news)
        if answer.created:
            self.assignments.created(answer.created, principal.id, self.now())
        if answer.deleted:
            self.assignments.removed(answer.deleted)
        if answer.owners or answer.created or answer.deleted:
            self.directory.refresh()
