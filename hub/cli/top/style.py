"""How `pygent top` looks: the dashboard's colours in two themes, and the arrangement.

The colours are those of the pages, written here again: pages and command know nothing of each
other.
"""

from dataclasses import dataclass

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

from protocols.steps import StepKind
from protocols.tasks import TaskState

DARK, LIGHT = "pygent-dark", "pygent-light"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours by what they mean."""

    text: str
    soft: str
    faint: str
    accent: str
    good: str
    waiting: str
    bad: str
    working: str
    canceled: str
    rejected: str
    kinds: dict[StepKind, str]

    def of(self, state: TaskState) -> str:
        """The colour of a state."""
        return {
            TaskState.SUBMITTED: self.soft,
            TaskState.WORKING: self.working,
            TaskState.INPUT_REQUIRED: self.waiting,
            TaskState.AUTH_REQUIRED: self.waiting,
            TaskState.COMPLETED: self.good,
            TaskState.FAILED: self.bad,
            TaskState.CANCELED: self.canceled,
            TaskState.REJECTED: self.rejected,
        }[state]


PALETTES = {
    DARK: Palette(
        text="#e7ebf1",
        soft="#adb6c3",
        faint="#8792a3",
        accent="#a09ffb",
        good="#4fc47a",
        waiting="#f0b445",
        bad="#ff7672",
        working="#5aa9ff",
        canceled="#8f9bac",
        rejected="#da8ad2",
        kinds={
            StepKind.MODEL: "#a994fa",
            StepKind.TOOL: "#f29a64",
            StepKind.RETRIEVAL: "#3fc2d6",
            StepKind.MEMORY: "#f285b9",
            StepKind.THOUGHT: "#c5ad90",
            StepKind.AGENT: "#adcb5f",
        },
    ),
    LIGHT: Palette(
        text="#151a21",
        soft="#465160",
        faint="#5f6a79",
        accent="#4b47ca",
        good="#14713a",
        waiting="#875300",
        bad="#c0262c",
        working="#175fcb",
        canceled="#566070",
        rejected="#90328a",
        kinds={
            StepKind.MODEL: "#674ad6",
            StepKind.TOOL: "#a84a13",
            StepKind.RETRIEVAL: "#076b7a",
            StepKind.MEMORY: "#af2a6f",
            StepKind.THOUGHT: "#725c3d",
            StepKind.AGENT: "#4b650b",
        },
    ),
}

THEMES = (
    Theme(
        name=DARK,
        dark=True,
        primary="#625ee8",
        secondary="#a09ffb",
        accent="#8b89ff",
        warning="#f0b445",
        error="#ff7672",
        success="#4fc47a",
        foreground="#e7ebf1",
        background="#0a0d12",
        surface="#0f1319",
        panel="#161b23",
        variables={"line": "#242c38", "row": "#1b1d33", "faint": "#8792a3"},
    ),
    Theme(
        name=LIGHT,
        dark=False,
        primary="#5652d8",
        secondary="#4b47ca",
        accent="#5652d8",
        warning="#875300",
        error="#c0262c",
        success="#14713a",
        foreground="#151a21",
        background="#f6f7f9",
        surface="#ffffff",
        panel="#edf0f3",
        variables={"line": "#c2c9d3", "row": "#e4e2fb", "faint": "#5f6a79"},
    ),
)


def terminal_theme(name: str) -> TerminalTheme:
    """The sixteen named colours of a terminal, for texts that know no palette."""
    colours = PALETTES[name]
    sixteen = [
        colours.faint,
        colours.bad,
        colours.good,
        colours.waiting,
        colours.working,
        colours.kinds[StepKind.MODEL],
        colours.kinds[StepKind.RETRIEVAL],
        colours.text,
    ]
    bright = [
        *sixteen[:3],
        colours.kinds[StepKind.THOUGHT],
        colours.working,
        colours.kinds[StepKind.MEMORY],
        *sixteen[6:],
    ]
    theme = next(theme for theme in THEMES if theme.name == name)
    return TerminalTheme(
        _rgb(theme.background or ""),
        _rgb(colours.text),
        [*map(_rgb, sixteen)],
        [*map(_rgb, bright)],
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


CSS = """
Screen { background: $background; color: $foreground; }
#bar { height: 1; padding: 0 1; background: $panel; }
#panels { height: 6; }
.panel { border: round $line; border-title-color: $faint; padding: 0 1; height: 6; }
#throughput { width: 1fr; }
#queue { width: 19; }
#workers { width: 27; }
.wide #queue { width: 24; }
.wide #workers { width: 38; }
DataTable { height: 1fr; background: $background; scrollbar-size-vertical: 1;
            scrollbar-color: $line; scrollbar-background: $background; }
DataTable:focus { background-tint: $foreground 0%; }
DataTable > .datatable--header { background: $background; color: $faint; text-style: none; }
DataTable > .datatable--cursor { background: $row; color: $foreground; }
DataTable > .datatable--hover { background: $surface; }
#empty { height: 1fr; content-align: center middle; text-align: center; color: $faint; }
#filter { border: none; height: 1; padding: 0 1; background: $panel; display: none; }
#filter.shown { display: block; }
Footer { background: $panel; }
Footer .footer-key--key { color: $secondary; background: $panel; }
Footer .footer-key--description { color: $foreground; background: $panel; }

TaskScreen #head { height: auto; padding: 1 2 0 2; background: $surface;
                   border-bottom: solid $line; }
TaskScreen #story { height: 1fr; padding: 1 2; scrollbar-size-vertical: 1;
                    scrollbar-color: $line; scrollbar-background: $background; }
TaskScreen #body { height: auto; }

AskScreen { align: center middle; background: $background 60%; }
AskScreen > Vertical { width: 56; max-width: 90%; height: auto; padding: 1 2;
                       background: $surface; border: round $primary; }
AskScreen .buttons { height: 3; margin-top: 1; align-horizontal: right; }
AskScreen Button { margin-left: 2; min-width: 12; }
"""
