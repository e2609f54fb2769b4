"""The pages. Plugging one in: its file, and its line in the table."""

from dashboard.page import Page
from dashboard.pages import agent, agents, knowledge, login, overview, settings, system, task, tasks

PAGES: tuple[Page, ...] = (
    overview.PAGE,
    tasks.PAGE,
    task.PAGE,
    agents.PAGE,
    agent.PAGE,
    knowledge.PAGE,
    system.PAGE,
    settings.PAGE,
    login.PAGE,
)
