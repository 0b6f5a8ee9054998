"""nightlatch config check"""

import typer

from nightlatch.cli.opened import ConfigFile, Dev, check_schemas, complain, configuration

app = typer.Typer(help="The configuration.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Without it, typer would take the only command for the group."""


@app.command()
def check(config: ConfigFile = None, dev: Dev = False) -> None:
    """Report every error of the configuration at once, each with its key and cure."""
    settings = configuration(config, dev)
    for warning in settings.warnings:
        complain(warning)
    check_schemas(settings)
    print("The configuration is good.")
