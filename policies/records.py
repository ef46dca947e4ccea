"""Which records of an act the matched rules let through, where a rule is about some of them only (`where`).

Allowed is what any allow is about. What a deny is about is taken out again, and so is every record for which any of these conditions
failed: nobody can say what the rule meant for it. Duties of a rule hold for the records that it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice

from policies.attributes import Attributes, Facts
from policies.columns import Columns, Records
from policies.decision import FieldMask
from policies.masks import Mask
from policies.program import Program
from policies.reasons import NOT_FOR_YOU, RULE_ERROR, Reason
from policies.request import ClientId
from policies.rule import Rule
from policies.shares import Limit


class Picked:
    """The records of one act, sorted by the rules that matched."""

    def __init__(self, facts: Facts, record: Attributes, conditions: Program) -> None:
        """`conditions`: those of all rules that are asked about."""
        self._facts = facts
        self._columns = Columns(facts, record)
        self.all = self._columns.all
        self._sets, self._places, self._failed = self._columns.judge(conditions)

    def about(self, rule: Rule) -> Records:
        """The records that a rule is about."""
        return self.all if rule.where is None else self._sets[self._places[rule.where]]

    def failed(self, rule: Rule) -> Records:
        """The records for which nobody can say whether a rule is about them."""
        return 0 if rule.where is None else self._failed.get(rule.where, 0)

    def holding(self, rules: Iterable[Rule], records: Records) -> list[Rule]:
        """Those rules that are about any of these records."""
        sets, places, all_ = self._sets, self._places, self.all
        return [rule for rule in rules if (all_ if rule.where is None else sets[places[rule.where]]) & records]

    def allowed(self, allows: Iterable[Rule], denies: Iterable[Rule]) -> Records:
        """What any allow is about and no deny, and where nothing failed."""
        allowed, taken = 0, 0
        for rule in allows:
            allowed |= self.about(rule)
            if allowed == self.all:
                break
        for rule in denies:
            taken |= self.about(rule)
        for failed in self._failed.values():
            taken |= failed
        return allowed & (self.all ^ taken)

    def why_not(self, cut: Records, acting: Iterable[Rule], denies: Iterable[Rule]) -> Iterator[tuple[Reason, Rule | None]]:
        """Why these records are not allowed: the denies that are about them, the rules that failed, else that no rule allows them."""
        open_ = cut
        for rule in denies:
            if here := self.about(rule) & cut:
                open_ &= self.all ^ here
                yield rule.reason, rule
        for rule in acting if self._failed else ():
            if here := self.failed(rule) & cut:
                open_ &= self.all ^ here
                yield RULE_ERROR, rule
        if open_:
            yield NOT_FOR_YOU, None

    def kept(self, allowed: Records, narrowing: Iterable[Rule]) -> tuple[Records, Limit | None]:
        """What `keep: own` and limits leave of the allowed records, and the tightest limit that took something."""
        limits: list[tuple[Limit, int, Records]] = []
        for rule in narrowing:
            if rule.keep_own:
                allowed &= self.all ^ (self.about(rule) & (self.all ^ self._columns.own))
            if rule.limit is not None:
                limits.append((rule.limit, rule.limit.left(self._facts.usage), self.about(rule)))
        tight = [(limit, left, covered) for limit, left, covered in limits if (covered & allowed).bit_count() > left]
        if not tight:
            return allowed, None
        tight.sort(key=lambda one: (one[1], one[0].reason.code))
        if all(covered & allowed == allowed for _, _, covered in tight):
            return self._first(allowed, tight[0][1]), tight[0][0]
        return self._within(allowed, [(left, covered) for _, left, covered in tight]), tight[0][0]

    def listed(self, records: Records) -> tuple[ClientId, ...]:
        """These clients in the order of the answer."""
        return self._columns.listed(records)

    def masks(self, masking: Iterable[Rule]) -> Iterator[FieldMask]:
        """Who is masked, each field with each mask once. Whoever a rule may be about is: a failed condition shows nothing."""
        found: dict[tuple[str, Mask], Records] = {}
        for rule in masking:
            records = self.about(rule) | self.failed(rule)
            if not rule.mask_all:
                records &= self.all ^ self._columns.own
            if records:
                for field, mask in rule.masks.items():
                    found[field, mask] = found.get((field, mask), 0) | records
        for (field, mask), records in found.items():
            yield FieldMask(field, mask, self._columns.clients(records))

    def _first(self, records: Records, count: int) -> Records:
        flags = bytearray(len(self._columns.ids))
        for place in islice(compress(range(len(flags)), self._columns.flags(records)), count):
            flags[place] = 1
        return int.from_bytes(flags, "little")

    def _within(self, records: Records, limits: Sequence[tuple[int, Records]]) -> Records:
        """One after the other in the order of the answer, as long as every limit that covers it has room."""
        room = [left for left, _ in limits]
        covers = [self._columns.flags(covered) for _, covered in limits]
        flags = bytearray(len(self._columns.ids))
        for place in compress(range(len(flags)), self._columns.flags(records)):
            here = [number for number, cover in enumerate(covers) if cover[place]]
            if all(room[number] for number in here):
                flags[place] = 1
                for number in here:
                    room[number] -= 1
        return int.from_bytes(flags, "little")
