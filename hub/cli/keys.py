"""`pygent token` and `pygent login-link`: ways in, made beside the database."""

import sys
from typing import Annotated

import typer

from hub.cli import drawing
from hub.cli.exits import command
from hub.cli.opened_store import opened_store
from hub.identity.keys import TeamKeys, create_key
from hub.identity.tickets import create_ticket, link_of
from protocols.operations.keys import CreateKey
from protocols.principals import system

app = typer.Typer()
tokens = typer.Typer(help="API keys.", no_args_is_help=True)
app.add_typer(tokens, name="token")


@tokens.command()
@command
async def create(
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "command line",
) -> None:
    """Print a new API key, and nothing else, on standard output."""
    async with opened_store() as (store, _):
        created = await create_key(store, system(), CreateKey(name=name))
    sys.stdout.write(created.token + "\n")


@tokens.command("ls")
@command
async def list_keys() -> None:
    """List keys, newest first."""
    async with opened_store() as (store, _):
        keys = await TeamKeys(store, system(), revoked=lambda: None).list()
    drawing.table(
        ["Id", "Prefix", "Name", "Created", "Revoked"],
        [
            [
                key.id,
                key.prefix,
                key.name,
                f"{key.created_at:%Y-%m-%d %H:%M}",
                f"{key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "",
            ]
            for key in keys
        ],
    )


@tokens.command()
@command
async def revoke(key: Annotated[str, typer.Argument(help="Id of the key.")]) -> None:
    """Revoke a key; it opens nothing within five seconds."""
    async with opened_store() as (store, _):
        revoked = await TeamKeys(store, system(), revoked=lambda: None).revoke(key)
    drawing.err.print(f"{revoked.name} is revoked", markup=False)


@app.command("login-link")
@command
async def login_link() -> None:
    """Print a link that logs the owner in, once, within ten minutes."""
    async with opened_store() as (store, url):
        ticket = await create_ticket(store)
    sys.stdout.write(link_of(url, ticket) + "\n")
