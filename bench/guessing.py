"""Can a refused sign-in be told apart by its time? Six classes of accounts, in an order drawn by lot, over loopback.

Each account is asked once, from a network of its own. Prints for each class its times, how they differ from those of a
name that nobody has (median, and the area under the ROC curve: 0.5 is no difference at all), and whether bodies differ.
"""

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people  # noqa: E402
from bench.client import ask  # noqa: E402
from bench.processes import GENERATOR, on  # noqa: E402
from bench.sites import Site  # noqa: E402
from tests.serving import KEY, Server  # noqa: E402

BCRYPT = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
CLASSES = ("nobody", "wrong password", "inactive", "locked", "no password", "imported bcrypt 12")
LOW, HIGH = 0.46, 0.54
_VARIES = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}|[\w.-]+@example\.org|\d{4}-\d\d-\d\dT[\d:.]+Z")
# One attempt locks: so an account is locked by asking it once before. Times and answers are those of any lock.
_SETTINGS = {"nightlatch": {"admin_key": KEY, "trusted_proxies": ["127.0.0.1/32"], "throttling": {"attempts": 1}}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000, help="in each class")
    parser.add_argument("--connections", type=int, default=4, help="sign-ins at once")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors; {options.accounts} accounts in each class\n")
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "run", f"sqlite://{folder}/nightlatch.sqlite", settings=_SETTINGS)
        with server, on(GENERATOR):
            site = Site("nightlatch", server.public, server.admin, KEY, [server.process.pid])
            _report(*_measure(site, options.accounts, options.connections))


def _measure(site: Site, count: int, connections: int) -> tuple[dict[str, list[float]], set[bytes]]:
    for kind in CLASSES[1:]:
        _create(site, kind, count)
    _sign_in(site, [("locked", n) for n in range(count)], connections)
    asked = [(kind, n) for kind in CLASSES for n in range(count)]
    random.shuffle(asked)
    times: dict[str, list[float]] = {kind: [] for kind in CLASSES}
    bodies = set()
    for (kind, _), (seconds, body) in zip(asked, _sign_in(site, asked, connections), strict=True):
        times[kind].append(1000 * seconds)
        bodies.add(_VARIES.sub(b"*", body))
    return times, bodies


def _create(site: Site, kind: str, count: int) -> None:
    entries = []
    for n in range(count):
        made: dict[str, object] = {"schema_id": "default", "traits": {"email": _email(kind, n)}}
        if kind != "no password":
            hashed = BCRYPT if "bcrypt" in kind else people.PASSWORD_HASH
            made["credentials"] = {"password": {"config": {"hashed_password": hashed}}}
        if kind == "inactive":
            made["state"] = "inactive"
        entries.append({"create": made})
    for at in range(0, count, 500):
        site.ask(
            "admin", [site.admin("PATCH", "/admin/identities", json.dumps({"identities": entries[at : at + 500]}))]
        )


def _sign_in(site: Site, accounts: Sequence[tuple[str, int]], connections: int) -> list[tuple[float, bytes]]:
    """Time and body of each refusal."""
    answers: list[tuple[float, bytes]] = []
    for at in range(0, len(accounts), 500):  # flows end in an hour
        some = accounts[at : at + 500]
        begun = site.ask("public", [site.public("GET", "/self-service/login/api") for _ in some])
        requests = [
            site.public(
                "POST",
                f"/self-service/login?flow={flow.json()['id']}",
                json.dumps({"method": "password", "identifier": _email(*account), "password": "not the password"}),
            )
            for flow, account in zip(begun, some, strict=True)
        ]
        for answer in ask(site.address("public"), requests, connections):
            assert answer.status == 400, answer
            answers.append((answer.seconds, answer.body))
        time.sleep(0.1)
    return answers


def _email(kind: str, n: int) -> str:
    return f"{kind.replace(' ', '-')}-{n}@example.org"


def _report(times: dict[str, list[float]], bodies: set[bytes]) -> None:
    print("| account | N | median, ms | p5 | p95 | median to nobody's, ms | AUC |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    baseline, worst = times["nobody"], 0.5
    for kind, some in times.items():
        low, *_, high = quantiles(some, n=20)
        area = _area(some, baseline)
        worst = max(worst, area, 1 - area)
        apart = median(some) - median(baseline)
        print(f"| {kind} | {len(some)} | {median(some):.2f} | {low:.2f} | {high:.2f} | {apart:+.2f} | {area:.3f} |")
    print(f"\nbodies that differ, ids and names apart: {len(bodies) - 1}")
    print("within the bar" if worst <= HIGH and len(bodies) == 1 else f"OUTSIDE THE BAR of {LOW} to {HIGH}")


def _area(some: Sequence[float], others: Sequence[float]) -> float:
    """How likely one of `some` is above one of `others` (Mann-Whitney U over n·m); ties count half."""
    ranked = sorted([(value, True) for value in some] + [(value, False) for value in others])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        total += sum(mine for _, mine in ranked[at:end]) * (at + 1 + end) / 2
        at = end
    return (total - len(some) * (len(some) + 1) / 2) / (len(some) * len(others))


if __name__ == "__main__":
    main()
