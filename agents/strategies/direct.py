"""`direct`: the model is asked once, without tools."""

from agents.context import Context
from agents.strategy import Answer


async def direct(context: Context) -> Answer:
    """The model's first answer; see `agents.strategy`."""
    asked = await context.ask(context.input)
    return Answer(asked.message, asked.responded.text)
