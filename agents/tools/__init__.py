"""The tools there are. A new one is a file and a line here."""

from agents.tool import Tool
from agents.tools.calculator import Calculator
from agents.tools.clock import Clock
from agents.tools.knowledge_search import KnowledgeSearch

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Calculator(),
        Clock(),
        KnowledgeSearch(),
    )
}
