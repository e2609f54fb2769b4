"""Where the pages stand: read by the pages when they are built, by `app.py` when it serves them.

Nothing else is in here but what a page reads first and the file it is built into, so that a server
knows its paths without importing Reflex.
"""

import re

OVERVIEW = "/"
TASKS = "/tasks"
TASK = "/tasks/[task_id]"
AGENTS = "/agents"
AGENT = "/agents/[agent_name]"
NEW_AGENT = "/new-agent"
EDIT_AGENT = "/agents/[agent_name]/edit"
AGENT_VERSIONS = "/agents/[agent_name]/versions"
CHAT = "/agents/[agent_name]/chat"
KNOWLEDGE = "/knowledge"
HUB = "/hub"
SYSTEM = "/system"
SETTINGS = "/settings"
LOGIN = "/login"

ALL = (
    OVERVIEW,
    TASKS,
    TASK,
    AGENTS,
    AGENT,
    NEW_AGENT,
    EDIT_AGENT,
    AGENT_VERSIONS,
    CHAT,
    KNOWLEDGE,
    HUB,
    SYSTEM,
    SETTINGS,
    LOGIN,
)

READS: dict[
    str, tuple[str, ...]
] = {  # what a page asks the API first, as it writes it; nothing that a role is refused
    OVERVIEW: ("/overview?window=1h",),
    TASKS: ("/tasks?since=[-604800000]&limit=100",),
    TASK: ("/tasks/[task_id]",),
    AGENTS: ("/agents?limit=200",),
    AGENT: ("/agents/[agent_name]", "/agents/[agent_name]/versions"),
    KNOWLEDGE: ("/collections?limit=200",),
    SETTINGS: ("/models",),
}

_PARAMETER = re.compile(r"\[[^/]+\]")


def drawn_at(route: str) -> str:
    """The address a route is drawn at when the site is built: `_` where a parameter will stand."""
    return _PARAMETER.sub("_", route)
