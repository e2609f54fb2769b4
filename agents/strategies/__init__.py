"""The strategies there are. A new one is a file and a line here."""

from agents.strategies.direct import direct
from agents.strategies.react import react
from agents.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "direct": direct,
    "react": react,
}
