"""`python -m tests.bench [NAME] [--quick]`: runs the benchmarks, prints a table and writes `bench.json` in the current folder.

A quick run shows that a benchmark works; its figures mean nothing and are not written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import audit, decisions, gateway, history, scan, search, stepup, verify, way_out
from tests.bench.report import BenchError, MissingError, Row, save, table

BENCHES: dict[str, Callable[[bool], dict[str, Row]]] = {
    "audit": audit.run,
    "decisions": decisions.run,
    "gateway": gateway.run,
    "history": history.run,
    "scan": scan.run,
    "search": search.run,
    "stepup": stepup.run,
    "verify": verify.run,
    "way_out": way_out.run,
}


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    names = [argument for argument in arguments if argument != "--quick"] or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"bench: {', '.join(unknown)} is not a benchmark; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    rows: dict[str, Row] = {}
    for name in names:
        try:
            rows |= BENCHES[name](quick)
        except BenchError as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            return 2 if isinstance(error, MissingError) else 1
    print(table(rows))
    if not quick:
        save(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
