"""`react`: the model reasons and calls tools, reads their results, and goes on until it answers."""

from agents.context import Context
from agents.model import Entry
from agents.strategy import Answer


async def react(context: Context) -> Answer:
    """The first answer without a tool call; limits of the agent end it otherwise."""
    conversation: list[Entry] = list(context.input)
    while True:
        asked = await context.ask(conversation, tools=context.tools)
        if not asked.responded.tool_calls:
            return Answer(asked.message, asked.responded.text)
        conversation.append(asked.responded)
        conversation += await context.call(asked.responded.tool_calls)
