"""Generates the Python client of a door from our own OpenAPI document, as somebody who uses the door would.

.build/dev/bin/python tools/generate_client.py DOOR FOLDER

FOLDER/.done is the document that FOLDER was made from; when it is still that of the door, nothing is done. The generator
is that of requirements/generator.in, in .build/generator.
"""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from nightlatch.doors.http.openapi import PATH
from nightlatch.doors.http.routing import Answer

GENERATOR = Path(__file__).parents[1] / ".build/generator/bin/openapi-generator-cli"
PACKAGES = {"sessions_api": "identity_sdk"}
"""By door, the name that the package of its published client has."""


def document(door: str) -> bytes:
    """The document that the admin port's door gives out."""
    (own,) = (r for r in importlib.import_module(f"nightlatch.doors.{door}.routes").ADMIN if r.path.endswith(PATH))
    try:
        own.endpoint(None).send(None)
    except StopIteration as answered:
        answer: Answer = answered.value
        return msgspec.json.format(answer.body, indent=1)
    raise AssertionError("the document is there without waiting for anything")


def generate(door: str, folder: Path) -> None:
    made_of = document(door)
    done = folder / ".done"
    if done.exists() and done.read_bytes() == made_of:
        done.touch()
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    given = folder / "openapi.json"
    given.write_bytes(made_of)
    subprocess.run(
        [
            *(GENERATOR, "generate", "--generator-name", "python", "--input-spec", given, "--output", folder),
            *("--package-name", PACKAGES[door], "--global-property", "apiTests=false,modelTests=false"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    given.rename(done)


if __name__ == "__main__":
    generate(sys.argv[1], Path(sys.argv[2]))
