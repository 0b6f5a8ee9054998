"""Generates the Python client of a door from our own OpenAPI document, as somebody who uses the door would.

.build/dev/bin/python tools/generate_client.py DOOR FOLDER

FOLDER/.done is the document that FOLDER was made from. While it is that of the door, nothing is done.
"""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

from nightlatch.doors.http.openapi import PATH

GENERATOR = Path(__file__).parents[1] / ".build/generator/bin/openapi-generator-cli"
PACKAGES = {"sessions_api": "identity_sdk", "slack": "openapi_client"}
"""By door, what the package of its published client is called."""


def document(door: str) -> bytes:
    """What the door answers to whoever asks for its document."""
    (own,) = (r for r in importlib.import_module(f"nightlatch.doors.{door}.routes").ADMIN if r.path.endswith(PATH))
    try:
        own.endpoint(None).send(None)
    except StopIteration as answered:
        return bytes(answered.value.body)
    raise AssertionError("it waits for nothing")


def generate(door: str, folder: Path) -> None:
    made_of, done = document(door), folder / ".done"
    if done.exists() and done.read_bytes() == made_of:
        done.touch()
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = folder / "openapi.json"
    given.write_bytes(made_of)
    options = ["--generator-name", "python", "--package-name", PACKAGES[door]]
    parts = ["--global-property", "apiTests=false,modelTests=false"]
    command = [GENERATOR, "generate", "--input-spec", given, "--output", folder, *options, *parts]
    made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own options
    if made.returncode:
        sys.exit(made.stdout + made.stderr)
    given.rename(done)


if __name__ == "__main__":
    generate(sys.argv[1], Path(sys.argv[2]))
