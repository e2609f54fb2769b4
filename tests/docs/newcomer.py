"""The ten most likely questions of somebody new: what is right, and on which pages it stands."""

from typing import NamedTuple


class Question(NamedTuple):
    """Right, when the answer says one of `says` and cites one of `pages` for it."""

    text: str
    says: tuple[str, ...]
    pages: tuple[str, ...]


QUESTIONS = (
    Question(
        "What is PyGent Factory?",
        ("live control room for AI agents",),
        ("README.md", "docs/faq.md"),
    ),
    Question(
        "How do I add my own documents?",
        ("pygent ingest",),
        ("docs/knowledge.md", "docs/quickstart.md", "docs/ci.md"),
    ),
    Question(
        "How do I create my own agent?",
        ("pygent agents create",),
        ("docs/agents.md", "docs/quickstart.md", "README.md"),
    ),
    Question(
        "Do I need an API key?",
        ("needs no API key", "need no API key"),
        ("docs/faq.md", "docs/settings.md", "docs/agents.md"),
    ),
    Question("How do I use Ollama?", ("`OLLAMA_BASE_URL`",), ("docs/models.md",)),
    Question(
        "How do I log in?",
        ("link that logs you in",),
        ("docs/keys.md", "docs/quickstart.md", "README.md"),
    ),
    Question(
        "What happens when a worker dies?",
        ("to another worker", "another one makes the next attempt", "taken over within 17 seconds"),
        ("docs/tasks.md", "docs/concepts.md", "docs/realtime.md"),
    ),
    Question(
        "How do I follow a task from my own program?",
        ("`/connection/websocket`", "server-sent events", "for event in task.stream()"),
        ("docs/realtime.md", "docs/sdk.md", "docs/phone.md"),
    ),
    Question(
        "How do I change the port?",
        ("PYGENT_PORT",),
        ("docs/settings.md", "docs/troubleshooting.md"),
    ),
    Question(
        "Does it send my data anywhere?",
        ("models you name yourself",),
        ("docs/faq.md", "docs/security.md", "README.md"),
    ),
)
