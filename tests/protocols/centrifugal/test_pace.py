"""How fast commands may come: a burst, then a steady rate, then the end."""

from protocols.centrifugal import codes
from protocols.centrifugal.decisions import Authenticate, Close, Decision, Send
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.session import Session
from tests.protocols.centrifugal.sessions import MEMBER, receive, spelled


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def connected(pace: Pace) -> Session:
    session = Session("c1", version="pygent", now=100.0, first_ping=0.0, pace=pace)
    (command,) = receive(session, '{"id":1,"connect":{}}')
    assert isinstance(command, Authenticate)
    session.accept(command, MEMBER, now=100.0)
    return session


def ask(session: Session, count: int) -> list[Decision]:
    return list(
        receive(
            session,
            "\n".join(
                f'{{"id":{n},"presence":{{"channel":"nowhere:a"}}}}' for n in range(2, count + 2)
            ),
        )
    )


def code_of(decision: Decision) -> int:
    assert isinstance(decision, Send), decision
    return spelled(decision.reply)["error"]["code"]


def test_a_burst_is_served_and_what_comes_too_soon_after_it_is_told_to_try_again() -> None:
    clock = Clock()
    session = connected(Pace(10, 5, clock))
    assert [code_of(one) for one in ask(session, 6)] == [102, 102, 102, 102, 111, 111]
    clock.now += 0.4  # two for the debt, two more
    assert [code_of(one) for one in ask(session, 3)] == [102, 102, 111]
    clock.now += 60.0
    assert [code_of(one) for one in ask(session, 6)] == [102, 102, 102, 102, 102, 111]


def test_who_goes_on_is_cut_and_nothing_of_the_frame_is_read_after_it() -> None:
    pace = Pace(10, 5, Clock())
    session = connected(pace)
    answers = ask(session, 1000)
    assert [code_of(one) for one in answers[:-1]] == [102] * 4 + [111] * 5
    assert answers[-1] == Close(codes.FLOOD)
    assert pace.refused == 6


def test_a_steady_pace_below_the_rate_is_never_refused() -> None:
    clock = Clock()
    session = connected(Pace(10, 5, clock))
    for _ in range(1000):
        clock.now += 0.1
        assert [code_of(one) for one in ask(session, 1)] == [102]


def test_pongs_that_nobody_asked_for_end_a_connection_as_ever() -> None:
    session = connected(Pace(10, 5, Clock()))
    assert list(receive(session, "{}\n" * 50)) == [Close(codes.BAD_COMMAND)]
