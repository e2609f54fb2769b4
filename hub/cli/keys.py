"""`pygent token` and `pygent login-link`: ways in, made beside the database."""

import sys
from typing import Annotated

import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson
from hub.cli.exits import command
from hub.cli.opened_store import opened_store
from hub.identity.keys import TeamKeys, create_key
from hub.identity.tickets import create_ticket, link_of
from protocols.operations.keys import ApiKey, CreateKey
from protocols.operations.listings import Listing
from protocols.principals import system

app = typer.Typer(rich_markup_mode="markdown")
tokens = typer.Typer(help="API keys.", no_args_is_help=True, rich_markup_mode="markdown")
app.add_typer(tokens, name="token")


@tokens.command()
@command
async def create(
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "command line",
    as_json: AsJson = False,
) -> None:
    """Print a new API key, and nothing else, on standard output.

    Example: `pygent token create --name "nightly report"`
    """
    async with opened_store() as (store, _):
        created = await create_key(store, system(), CreateKey(name=name))
    if as_json:
        answers.say(created)
    else:
        sys.stdout.write(created.token + "\n")


@tokens.command("ls")
@command
async def list_keys(as_json: AsJson = False) -> None:
    """List keys, newest first.

    Example: `pygent token ls`
    """
    async with opened_store() as (store, _):
        keys = await TeamKeys(store, system(), revoked=lambda: None).list()
    if as_json:
        answers.say(Listing[ApiKey](items=keys))
        return
    tables.table(
        ["Id", "Prefix", "Name", "Created", "Revoked"],
        [
            [
                key.id,
                key.prefix,
                key.name,
                drawing.moment(key.created_at),
                drawing.moment(key.revoked_at) if key.revoked_at else "",
            ]
            for key in keys
        ],
    )


@tokens.command()
@command
async def revoke(
    key: Annotated[str, typer.Argument(help="Id of the key; `pygent token ls` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Revoke a key; it opens nothing within five seconds.

    Example: `pygent token revoke 0199aaaa-0000-7000-8000-000000000000`
    """
    async with opened_store() as (store, _):
        revoked = await TeamKeys(store, system(), revoked=lambda: None).revoke(key)
    if as_json:
        answers.say(revoked)
    else:
        drawing.err.print(f"{revoked.name} is revoked", markup=False)


@app.command("login-link")
@command
async def login_link(as_json: AsJson = False) -> None:
    """Print a link that logs the owner in, once, within ten minutes.

    Whoever can read the data directory, or the database, is the owner.

    Example: `pygent login-link`
    """
    async with opened_store() as (store, url):
        ticket = await create_ticket(store)
    link = link_of(url, ticket)
    if as_json:
        answers.say({"url": link})
    else:
        sys.stdout.write(link + "\n")
