"""Where the pages stand: read by the pages when they are built, by `app.py` when it serves them.

Nothing else is in here, so that a server knows its paths without importing Reflex.
"""

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
    SYSTEM,
    SETTINGS,
    LOGIN,
)
