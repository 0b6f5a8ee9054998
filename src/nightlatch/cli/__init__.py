"""The command line. One file a command; tables for people, --json for programs.

exit codes   0 done · 1 refused or not found · 2 wrong usage · 3 the configuration is wrong · 4 the database is down
"""

import sys

import typer

from nightlatch import __version__
from nightlatch.cli import (
    audit,
    backup,
    config,
    identities,
    jobs,
    keys,
    migrate,
    nodes,
    organizations,
    policies,
    serve,
    sessions,
)
from nightlatch.cli.opened import DATABASE_DOWN, REFUSED, USAGE, complain
from nightlatch.problems import Problem, Unavailable

app = typer.Typer(
    name="nightlatch",
    help="An identity and session server: it knows who is signed in where, and ends any of it at once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("nodes")(nodes.nodes)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.add_typer(audit.app, name="audit")
app.add_typer(config.app, name="config")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(identities.app, name="identities")
app.add_typer(organizations.app, name="organizations")
app.add_typer(policies.app, name="policies")
app.add_typer(sessions.app, name="sessions")


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    """Runs the command that the arguments name; exits with its code."""
    try:
        app(prog_name="nightlatch")
    except Unavailable as problem:
        # The operator may see what a client may not: which file or host, and what it said.
        complain(f"{problem.reason} ({problem.__cause__})" if problem.__cause__ else problem.reason)
        sys.exit(DATABASE_DOWN)
    except UnicodeError:
        complain("An argument is not UTF-8.")
        sys.exit(USAGE)
    except Problem as problem:
        complain(problem.reason or problem.code)
        sys.exit(REFUSED)
