"""Cedar and we say the same of every field of every client, whatever the rules: 100,000 questions."""

from random import Random

from tests.policies import oracle_cedar as oracle

SETS, CLIENTS = 200, 42


def test_cedar_says_the_same():
    asked, allowed, cut, masked = 0, 0, 0, 0
    for seed in range(SETS):
        random = Random(seed)  # noqa: S311 # the same rules in every run
        policies, them = oracle.pair(oracle.rules(random, random.choice((3, 8, 20, 60)))), oracle.people(random, CLIENTS)
        ours, theirs = oracle.ours(policies, them), oracle.theirs(policies, them)
        assert ours == theirs, f"seed {seed}"
        rows = [ours[place : place + len(oracle.FIELDS)] for place in range(0, len(ours), len(oracle.FIELDS))]
        asked, allowed = asked + len(ours), allowed + sum(ours)
        cut += sum(not any(row) for row in rows) if any(ours) else 0
        masked += sum(any(row) and not all(row) for row in rows)
    assert asked >= 100_000
    assert min(allowed, asked - allowed, cut, masked) > asked // 100, "too many questions have the same answer to say anything"
