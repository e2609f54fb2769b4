import pytest

from agents.budget import Budget, LimitReached, limit_reached
from protocols.agents import Limits
from protocols.events import BudgetReached
from protocols.steps import Usage


def test_steps_over_the_limit_do_not_begin() -> None:
    budget = Budget(Limits(steps=3))
    budget.begin()
    with pytest.raises(LimitReached) as raised:
        budget.begin(3)
    assert raised.value.reached == BudgetReached(limit="steps", value=1, maximum=3)
    budget.begin(2)
    assert budget.steps == 3


def test_tokens_and_money_end_it_before_the_next_step() -> None:
    budget = Budget(Limits(tokens=100, money=0.001))
    budget.begin()
    budget.spend(Usage(input=90, output=10), 500)
    with pytest.raises(LimitReached, match="limit of 100 tokens"):
        budget.begin()
    budget = Budget(Limits(money=0.001), cost=1000)
    with pytest.raises(LimitReached, match=r"limit of 0\.001 dollars"):
        budget.begin()


def test_what_earlier_attempts_recorded_counts_once() -> None:
    budget = Budget(Limits(steps=2, tokens=10), usage=Usage(input=10), cost=5)
    budget.repeat()  # recorded: neither refused nor paid again
    assert (budget.steps, budget.cost) == (1, 5)
    with pytest.raises(LimitReached):
        budget.begin()


def test_the_sentence_names_the_unit() -> None:
    assert "limit of 2 seconds" in limit_reached("seconds", 2, 2).message
