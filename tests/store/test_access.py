import pytest

from protocols.errors import Forbidden, NotFound
from protocols.principals import Role, TeamId
from store.access import LEAST_ROLE, Operation, allow, may, see
from tests.store.people import somebody


def test_every_operation_has_a_least_role() -> None:
    assert set(LEAST_ROLE) == set(Operation)


@pytest.mark.parametrize("operation", list(Operation))
def test_who_may_do_less_may_not_do_more(operation: Operation) -> None:
    order = [Role.VIEWER, Role.OPERATOR, Role.OWNER]
    answers = [may(somebody(role), operation) for role in order]
    assert answers == sorted(answers)
    assert answers[order.index(LEAST_ROLE[operation])]
    assert answers[-1]


def test_a_refusal_names_the_operation_and_both_roles() -> None:
    with pytest.raises(Forbidden) as refusal:
        allow(somebody(Role.OPERATOR), Operation.KEYS_MANAGE)
    assert refusal.value.message == (
        "ada may not manage keys: the role is operator, owner is needed"
    )


@pytest.mark.parametrize("team", [None, TeamId(2)])
def test_what_is_foreign_is_not_there(team: TeamId | None) -> None:
    see(somebody(), TeamId(1), thing="task x")
    with pytest.raises(NotFound, match="there is no task x"):
        see(somebody(), team, thing="task x")
