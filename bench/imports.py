"""nightlatch identities import over a file of made-up people, on each database: how many a second, in how much memory.

Prints a Markdown table; what the rows are is in bench/README.md.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
# Not this file's own folder, where Python would take http.py for the standard library's.
sys.path[:1] = [str(ROOT), str(ROOT / "src")]

from bench import people, seed  # noqa: E402
from bench.postgres import Postgres  # noqa: E402

STORES = ("sqlite", "postgres")
_BCRYPT = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
_CONFIG = """
serve: {{public: {{base_url: "http://127.0.0.1:4433/"}}}}
secrets: {{default: ["{secret}"]}}
"""


class Taken(NamedTuple):
    """`seconds` are the command's own, from the first entry to the last; its processor time includes the start."""

    summary: str
    seconds: float
    computed: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="people in the file")
    parser.add_argument("--plain", type=int, default=200, help="people in a second file, with plain passwords")
    parser.add_argument("--store", choices=[*STORES, "both"], default="both")
    options = parser.parse_args()
    seed.BUILD.mkdir(parents=True, exist_ok=True)
    print(f"load {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors\n")
    print("| database | file | entries a second | seconds | processor seconds | peak memory, MiB |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(dir=seed.BUILD) as folder:
        files = {
            "hashed": (options.entries, Path(folder) / "hashed.jsonl"),
            "plain": (options.plain, Path(folder) / "plain.jsonl"),
        }
        for kind, (count, file) in files.items():
            _write(file, count, kind)
        for store in STORES if options.store == "both" else (options.store,):
            _measure(store, Path(folder), files)


def _measure(store: str, folder: Path, files: dict[str, tuple[int, Path]]) -> None:
    with ExitStack() as stack:
        dsn = f"sqlite://{folder}/nightlatch.sqlite"
        if store == "postgres":
            dsn = stack.enter_context(Postgres.fresh(folder / "postgres")).dsn
        config = folder / f"{store}.yaml"
        config.write_text(_CONFIG.format(secret=people.SECRET))
        _run(config, dsn, "migrate")
        for name, kind in (("hashed", "hashed"), ("the same again", "hashed"), ("plain", "plain")):
            count, file = files[kind]
            taken = _run(config, dsn, "identities", "import", str(file))
            rate = count / taken.seconds
            print(
                f"| {store} | {name} | {rate:,.0f} | {taken.seconds:.1f} | {taken.computed:.1f} | {taken.memory:.0f} |",
                flush=True,
            )


def _run(config: Path, dsn: str, *words: str) -> Taken:
    began = time.monotonic()
    command = [sys.executable, "-m", "nightlatch", *words, "--config", str(config)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "DSN": dsn},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{' '.join(words)}: {said}")
    seconds = re.search(r"; ([\d.]+) s,", said)
    return Taken(
        said,
        float(seconds[1]) if seconds else time.monotonic() - began,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def _write(file: Path, count: int, kind: str) -> None:
    """Every other hash is argon2id, every other bcrypt: what is imported is checked, and not computed."""
    with file.open("w", encoding="utf-8") as out:
        for n in range(count):
            secret = (
                {"password": f"a password of number {n}"}
                if kind == "plain"
                else {"hashed_password": (people.PASSWORD_HASH, _BCRYPT)[n % 2]}
            )
            entry = {
                "schema_id": "default",
                "traits": {**json.loads(people.traits(n)), "email": f"{kind}-{people.email(n)}"},
                "credentials": {"password": {"config": secret}},
                "external_id": f"{kind}-{n}",
            }
            out.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main()
