"""The figures that nightlatch is to reach, measured here: runs the other measurements in their short form, and prints
one table. What must never happen is the verdict of bench/checker.py (README.md).
"""

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
STORES = ("sqlite", "postgres")
Table = dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, help="sessions in the largest database of list pages")
    parser.add_argument("--rounds", type=int, default=100, help="endings that are waited for")
    options = parser.parse_args()
    load = _run("http.py", "--operations", "to_session", "--seconds", "2", "--rounds", "1")
    growth = _run("growth.py", "--most", str(options.most))
    endings = {store: _table(_run("endings.py", "--store", store), f"| {store} ") for store in STORES}
    refused = _table(_run("refused.py", "--rounds", str(options.rounds)), "| store ")
    checks = {store: _table(load.partition(f"### {store}\n")[2], "| operation ") for store in STORES}
    figures = _table(load, "| figure ")
    pages = [line.partition("more than ")[2].split()[0] for line in growth.splitlines() if "no list page" in line]
    organization = next(name for name in endings["sqlite"] if name.startswith("all of an organization"))
    rows = [
        ("cached session check, of nginx", "0.55", "0.80", [checks["sqlite"]["to_session, 1,000 sessions"][4], "none"]),
        ("uncached session check, of nginx", "0.12, 0.07", "0.18, 0.09", [checks[s]["to_session"][4] for s in STORES]),
        ("batch of 1,000 identities, ms", "60, 80", "30, 40", figures["batch of 1,000 identities, ms"]),
        (f"any list page with {options.most:,} sessions, to 10,000", "1.5", "1.1", pages),
        (organization, "20", "5", [endings[store][organization][0] for store in STORES]),
        ("end to refused by every worker: p50, p99, max ms", "p99 20", "p99 5", [refused[s][4] for s in STORES]),
        ("memory of a worker with the cache full, MiB", "92", "", figures["memory of the worker after the run, MiB"]),
    ]
    print("| | at least | aim | SQLite | PostgreSQL |\n|---|---:|---:|---:|---:|")
    for name, least, aim, (first, second) in rows:
        print(f"| {name} | {least} | {aim} | {first} | {second} |")
    print("| stale accepts with faults | 0 | 0 | bench/checker.py | bench/checker.py |")


def _run(script: str, *options: str) -> str:
    print(f"{script} {' '.join(options)}", file=sys.stderr, flush=True)
    command = [sys.executable, str(FOLDER / script), *options]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _table(text: str, head: str) -> Table:
    """The rows of the table that begins so, by their first cell."""
    lines = text[text.index(head) :].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]
    return {name: row for name, *row in cells}


if __name__ == "__main__":
    main()
