"""`naru config`: check, show, document and begin a `naru.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from naru.settings import Settings

app = typer.Typer(help="Check, show, document and begin a naru.toml.", no_args_is_help=True)

DEFAULT_CONFIG = Path("naru.toml")

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The file; default: naru.toml here, else the built-in defaults."),
]


@app.command()
def check(config: ConfigOption = None) -> None:
    """Read a file as Naru would; list every fault with its line, exit 1 when there is one."""
    from naru.kernel.errors import ConfigError
    from naru.providers.registry import build_provider

    try:
        settings, path = _load(config)
        for name, provider in settings.providers.items():
            build_provider(name, provider)
    except ConfigError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None
    source = str(path) if path else "built-in defaults (no naru.toml here)"
    typer.echo(f"{source}: good. {len(settings.providers)} providers, {len(settings.models)} models.")


@app.command()
def show(config: ConfigOption = None) -> None:
    """Print the settings that would run, defaults included, secrets hidden."""
    from naru.settings import InvalidConfig
    from naru.settings.toml import render_redacted

    try:
        settings, path = _load(config)
    except InvalidConfig as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(1) from None
    typer.echo(f"# from {path or 'built-in defaults'}\n{render_redacted(settings)}", nl=False)


@app.command()
def docs(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of printing.")
    ] = None,
) -> None:
    """Print the reference of every setting as Markdown."""
    from naru.settings.reference import render_reference

    if output is None:
        typer.echo(render_reference(), nl=False)
    else:
        output.write_text(render_reference(), encoding="utf-8")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Where to write.")] = DEFAULT_CONFIG,
) -> None:
    """Write a commented naru.toml to begin with. An existing file is never touched."""
    from importlib.resources import files

    template = files("naru.settings").joinpath("example.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template)
    except FileExistsError:
        typer.echo(f"{path} exists and was left as it is.", err=True)
        raise typer.Exit(1) from None
    except OSError as error:
        typer.echo(f"{path} cannot be written: {error.strerror or type(error).__name__}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{path} written. Edit it, then: naru config check")


def _load(config: Path | None) -> tuple[Settings, Path | None]:
    import os

    from naru.settings import load

    path = config or (DEFAULT_CONFIG if DEFAULT_CONFIG.exists() else None)
    return load(path, os.environ), path
