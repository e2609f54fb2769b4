"""`pygent conversations`: exchanges over several tasks; `pygent run --context` continues one."""

from typing import Annotated

import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson, Cursor
from hub.cli.client import opened
from hub.cli.completing import agent_names
from hub.cli.exits import command
from hub.cli.nouns import Noun
from protocols.operations.conversations import ConversationQuery

app = typer.Typer(
    help="Conversations: exchanges over several tasks.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """A group, of one command so far."""


@app.command("ls")
@command
async def list_conversations(
    agent: Annotated[
        str | None, typer.Option(help="Only with this agent.", autocompletion=agent_names)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 20,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List conversations, the one that was continued last first.

    Example: `pygent conversations ls --agent guide`
    """
    async with opened() as client:
        query = ConversationQuery(agent=agent, limit=limit, cursor=cursor)
        listing = await client.conversations.list(query)
    if as_json:
        answers.say(listing)
        return
    tables.table(
        ["Context", "Turns", "State", "Agent", "Updated", "Title"],
        [
            [
                row.context_id,
                f"{row.turns:,}",
                drawing.state(row.state),
                row.agent_name,
                drawing.moment(row.updated_at),
                row.title,
            ]
            for row in listing.items
        ],
        more=listing.next,
    )
