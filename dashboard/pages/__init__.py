"""The pages. Plugging one in: its file, and its line in the table."""

from dashboard.page import Page
from dashboard.pages import (
    agent,
    agent_edit,
    agent_new,
    agent_versions,
    agents,
    chat,
    hub,
    knowledge,
    login,
    overview,
    settings,
    system,
    task,
    tasks,
)

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    tasks.PAGE,
    task.PAGE,
    agents.PAGE,
    agent.PAGE,
    agent_new.PAGE,
    agent_edit.PAGE,
    agent_versions.PAGE,
    chat.PAGE,
    knowledge.PAGE,
    hub.PAGE,
    system.PAGE,
    settings.PAGE,
    login.PAGE,
)
