"""`pygent publish`, `channels`, `presence` and `clients`: the realtime hub from the terminal.

Over the HTTP API that servers use, on all hubs together.
"""

import sys
import uuid
from typing import Annotated, Any

import msgspec
import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson
from hub.cli.exits import command
from hub.cli.server_api import opened_api
from protocols.errors import InvalidRequest

app = typer.Typer(rich_markup_mode="markdown")

MAX_SHOWN = 5  # channels of a client in a table; `--json` has more
STANDARD_INPUT = "-"


@app.command()
@command
async def publish(
    channel: Annotated[str, typer.Argument(help="Where to, such as `news:sport`.")],
    data: Annotated[
        str, typer.Argument(help="JSON, such as `'{\"goal\": 1}'`; `-` reads standard input.")
    ],
    text: Annotated[
        bool, typer.Option("--text", help="Publish it as a text, whatever it is.")
    ] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="`name=value`, for subscribers that filter; may be repeated."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(help="Publishing again under this key within five minutes does nothing."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Publish to a channel of an application; to the factory's own only the factory does.

    Which channels there can be is said by namespaces, whatever they let clients publish.

    Example: `pygent publish news:sport '{"goal": 1}' --tag club=ours`
    """
    given = sys.stdin.read() if data == STANDARD_INPUT else data
    request = {"channel": channel, "data": given if text else _parsed(given)}
    if tag:
        request["tags"] = dict(_tag(one) for one in tag)
    async with opened_api() as api:  # a key in any case: it may have to be sent twice
        result = await api.ask("publish", **request, idempotency_key=key or uuid.uuid4().hex)
    if as_json:
        answers.say(result)
    elif offset := result.get("offset"):
        drawing.err.print(f"{channel} is at offset {offset}", markup=False)
    else:
        drawing.err.print(f"published to {channel}, which keeps no history", markup=False)


def _parsed(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidRequest(
            f"{text[:40]!r} is no JSON; --text publishes it as a text", field="data"
        ) from None


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidRequest(f"a tag is of the form name=value, not {text[:40]!r}", field="tag")
    return name, value


@app.command()
@command
async def channels(
    pattern: Annotated[
        str, typer.Argument(help="Which: `*` stands for any characters, `?` for one.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List channels that somebody is subscribed to now, on all hubs; the fullest first.

    Example: `pygent channels 'news:*'`
    """
    async with opened_api() as api:
        result = await api.ask("channels", pattern=pattern)
    if as_json:
        answers.say(result)
        return
    counted: dict[str, Any] = result.get("channels", {})
    rows = sorted((-one["num_clients"], name) for name, one in counted.items())
    tables.table(["Channel", "Subscribers"], [[name, f"{-count:,}"] for count, name in rows])


@app.command()
@command
async def presence(
    channel: Annotated[str, typer.Argument(help="Such as `news:sport`.")],
    count: Annotated[
        bool, typer.Option("--count", help="Only how many; costs the same however many.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List who is in a channel now, on all hubs; its namespace needs `presence=true`.

    Example: `pygent presence news:sport`
    """
    async with opened_api() as api:
        result = await api.ask("presence_stats" if count else "presence", channel=channel)
    if as_json:
        answers.say(result)
    elif count:
        counts = {"Clients": result.get("num_clients", 0), "Users": result.get("num_users", 0)}
        tables.facts({name: f"{number:,}" for name, number in counts.items()})
    else:
        rows: dict[str, Any] = result.get("presence", {})
        tables.table(
            ["Client", "User", "Says"],
            [[client, one.get("user", ""), _info(one)] for client, one in rows.items()],
        )


def _info(present: dict[str, Any]) -> str:
    told = (present[name] for name in ("conn_info", "chan_info") if name in present)
    return " ".join(msgspec.json.encode(one).decode() for one in told)


@app.command()
@command
async def clients(
    user: Annotated[
        str, typer.Option(help="Of this user alone, as others see them: `key:…`, a token's `sub`.")
    ] = "",
    disconnect: Annotated[
        bool,
        typer.Option(
            "--disconnect", help="Close them for good; they do not come back by themselves."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List connected clients, on all hubs; the longest there first.

    Example: `pygent clients --user 42`
    """
    if disconnect and not user:
        raise InvalidRequest("--disconnect needs --user: whose clients?", field="user")
    async with opened_api() as api:
        result = await api.ask("connections", user=user)
        if disconnect:
            await api.ask("disconnect", user=user)
    if as_json:
        answers.say(result)
        return
    rows: dict[str, Any] = result.get("connections", {})
    tables.table(
        ["Client", "User", "Here for", "By", "Hub", "Channels"],
        [
            [
                client,
                one["user"],
                drawing.seconds(one["seconds"]),
                f"{one['transport']}, {one['protocol']}",
                one["node"],
                _named(one["channels"], one["num_subs"]),
            ]
            for client, one in rows.items()
        ],
    )
    if disconnect:
        drawing.err.print(f"{len(rows)} clients of {user} are disconnected", markup=False)


def _named(names: list[str], count: int) -> str:
    shown = ", ".join(names[:MAX_SHOWN])
    return f"{shown} and {count - MAX_SHOWN} more" if count > MAX_SHOWN else shown
