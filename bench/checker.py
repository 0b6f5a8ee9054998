"""What many clients were told while servers were killed, stopped and cut off, and the verdict over it (README.md)."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[1]
# Not this file's own folder, where Python would take http.py for the standard library's.
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from tests.checker.trial import Plan, Verdict, run  # noqa: E402

STORES = ("sqlite", "postgres")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    parser.add_argument("--seconds", type=float, default=300, help="of each database")
    parser.add_argument("--checks", type=int, default=0, help="go on, a trial after another, until there were so many")
    parser.add_argument("--seed", type=int, default=Random().randrange(2**32), help="of the faults and the clients")
    parser.add_argument("--servers", type=int, help="over one database; 2 on PostgreSQL and 1 on SQLite unless given")
    parser.add_argument("--workers", type=int, default=2, help="of each server")
    options = parser.parse_args()
    found: list[Verdict] = []
    for store in STORES if options.store == "both" else (options.store,):
        servers = options.servers or (1 if store == "sqlite" else 2)
        plan = Plan(store, options.seconds, options.seed, servers, options.workers, 16, 24)
        checks = 0
        while not checks or checks < options.checks:
            found.append(_trial(plan))
            checks += found[-1].counts["check"]
            plan = replace(plan, seed=plan.seed + 1)
    _table(found)
    sys.exit(any(verdict.wrong for verdict in found))


def _trial(plan: Plan) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        verdict = run(plan, Path(folder))
    print(f"{verdict}\n", flush=True)
    return verdict


def _table(found: list[Verdict]) -> None:
    heads = ("checks", "of what had ended", "endings", "codes", "faults", "stale or lost", "spent too often", "seed")
    print("| store | " + " | ".join(heads) + " |")
    print("|---|" + "---:|" * len(heads))
    for each in found:
        twice = sum(wrong.what in {"double spend", "over the limit"} for wrong in each.wrong)
        counts = each.counts
        ended = counts["check of what had ended"] + counts["look of what had ended"]
        cells = [counts["check"] + counts["look"], ended, counts["end"], counts["redeem"], each.faults.total()]
        cells += [len(each.wrong) - twice, twice]
        row = " | ".join(f"{cell:,}" for cell in cells)
        print(f"| {each.plan.store} | {row} | {each.plan.seed} |")
    print(f"\nverdict: {'WRONG' if any(each.wrong for each in found) else 'nothing wrong'}")


if __name__ == "__main__":
    main()
