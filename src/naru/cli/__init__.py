"""The `naru` command. `naru COMMAND --help` teaches each part; nothing heavy is imported until it is used."""

from __future__ import annotations

import sys

import typer

from naru.cli import (
    audit,
    budget,
    combine,
    config,
    database,
    feedback,
    key,
    ledger,
    limit,
    org,
    policy,
    prices,
    project,
    rate,
    review,
    team,
    user,
    vault,
    words,
)
from naru.cli.guard import guard
from naru.cli.mask import mask
from naru.cli.up import up
from naru.kernel.errors import NaruError

app = typer.Typer(
    name="naru",
    help="One self-hosted control plane through which a company's AI crosses.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # it would read [resilience] in a help text as a style and drop it
    pretty_exceptions_enable=False,  # its tracebacks show local variables, which may hold keys
)
app.command()(up)
app.command()(guard)
app.command()(mask)
app.add_typer(config.app, name="config")
app.add_typer(database.app, name="database")
app.add_typer(ledger.app, name="ledger")
app.add_typer(prices.app, name="prices")
app.add_typer(org.app, name="org")
app.add_typer(team.app, name="team")
app.add_typer(project.app, name="project")
app.add_typer(key.app, name="key")
app.add_typer(user.app, name="user")
app.add_typer(budget.app, name="budget")
app.add_typer(limit.app, name="limit")
app.add_typer(rate.app, name="rate")
app.add_typer(audit.app, name="audit")
app.add_typer(combine.app, name="combine")
app.add_typer(policy.app, name="policy")
app.add_typer(words.dictionaries, name="dictionary")
app.add_typer(words.patterns, name="pattern")
app.add_typer(vault.app, name="vault")
app.add_typer(feedback.app, name="feedback")
app.add_typer(review.app, name="review")


@app.command()
def version() -> None:
    """Print Naru's version."""
    from naru import __version__

    print(__version__)


def main() -> None:
    """Run the command line; a NaruError is one clear line, not a traceback."""
    try:
        app()
    except NaruError as error:
        print(f"naru: {error}", file=sys.stderr)
        sys.exit(2)
