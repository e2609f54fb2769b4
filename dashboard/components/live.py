"""The live parts: local JSX around the one connection, drawn in the browser only.

Each class names a file of `assets/` and what it exports. They take no state: what they show comes
from the hub by REST and WebSocket, with the cookie of the person who looks.
"""

import reflex as rx

_PACKAGES = [
    "centrifuge@5.8.0",
    "@tanstack/react-virtual@3.13.12",
    "marked@18.2.1",
    "yaml@2.9.1",
    "diff@9.0.0",
]


class _Live(rx.NoSSRComponent):
    lib_dependencies: list[str] = _PACKAGES


class ConnectionLight(_Live):
    """Live, catching up, reconnecting, offline or refused; each another shape."""

    library = "$/public/shell.jsx"
    tag = "ConnectionLight"


class OpenTasks(_Live):
    """How many tasks are open, beside the word Tasks."""

    library = "$/public/shell.jsx"
    tag = "OpenTasks"


class Account(_Live):
    """Who is looking, the theme and the way out."""

    library = "$/public/shell.jsx"
    tag = "Account"


class Palette(_Live):
    """The command palette, its button, and the keys that work on every page."""

    library = "$/public/palette.jsx"
    tag = "Palette"


class Notices(_Live):
    """Short messages at the edge: the end of tasks that were started here."""

    library = "$/public/notices.jsx"
    tag = "Notices"


class Worker(_Live):
    """Puts the service worker in its place, which says so when there is no connection."""

    library = "$/public/worker.js"
    tag = "Worker"


class RunAgent(_Live):
    """The button that asks an agent something."""

    library = "$/public/run.jsx"
    tag = "RunAgent"


class OverviewPage(_Live):
    """What works now, throughput, errors, cost, the feed."""

    library = "$/public/overview.jsx"
    tag = "OverviewPage"


class TasksPage(_Live):
    """The list of tasks with its filters."""

    library = "$/public/tasks.jsx"
    tag = "TasksPage"


class TaskPage(_Live):
    """One task, live."""

    library = "$/public/task_page.jsx"
    tag = "TaskPage"


class AgentsPage(_Live):
    """The list of agents."""

    library = "$/public/agents.jsx"
    tag = "AgentsPage"


class AgentPage(_Live):
    """One agent: its spec, its versions, its tasks."""

    library = "$/public/agent.jsx"
    tag = "AgentPage"


class KnowledgePage(_Live):
    """Collections, documents, search."""

    library = "$/public/knowledge.jsx"
    tag = "KnowledgePage"


class HubPage(_Live):
    """Processes, connections, channels, recoveries; one of them looked at."""

    library = "$/public/hub.jsx"
    tag = "HubPage"


class SystemPage(_Live):
    """Every part, the queue, the processes, a hub's last minutes."""

    library = "$/public/system.jsx"
    tag = "SystemPage"


class SettingsPage(_Live):
    """Models, API keys, appearance, about."""

    library = "$/public/settings.jsx"
    tag = "SettingsPage"


class NewAgentPage(_Live):
    """The editor of an agent that does not exist yet."""

    library = "$/public/agent_editor.jsx"
    tag = "NewAgentPage"


class EditAgentPage(_Live):
    """The editor of an agent's next version."""

    library = "$/public/agent_editor.jsx"
    tag = "EditAgentPage"


class AgentVersionsPage(_Live):
    """Two versions of an agent, compared."""

    library = "$/public/agent_versions.jsx"
    tag = "AgentVersionsPage"


class ChatPage(_Live):
    """A conversation over several tasks."""

    library = "$/public/chat.jsx"
    tag = "ChatPage"


class LoginDoor(_Live):
    """Sends those on who are logged in already."""

    library = "$/public/shell.jsx"
    tag = "LoginDoor"
