"""What waits for a socket is bounded, gathered into frames, and never holds up who fills it."""

import anyio
import pytest

from protocols.centrifugal import outbox
from protocols.centrifugal.outbox import HIGH_BYTES, LOW_BYTES, MAX_BYTES, Outbox


class Socket:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.gate = anyio.Event()
        self.gate.set()

    async def write(self, frame: bytes) -> None:
        await self.gate.wait()
        self.frames.append(frame)


async def test_what_waits_is_gathered_into_frames_in_order():
    box, socket = Outbox(b"\n"), Socket()
    for number in range(100):
        assert box.put(b"%d" % number)

    await box.flush(socket.write)

    assert [len(frame.split(b"\n")) for frame in socket.frames] == [64, 36]
    assert b"\n".join(socket.frames).split(b"\n") == [b"%d" % number for number in range(100)]
    assert box.size == 0


async def test_frames_are_bounded_in_bytes_but_a_large_event_passes_alone():
    box, socket = Outbox(b"\n"), Socket()
    sizes = [40_000, 40_000, 2 * MAX_BYTES]
    for size in sizes:
        assert box.offer(lambda size=size: b"x" * size)

    await box.flush(socket.write)

    assert [len(frame) for frame in socket.frames] == sizes


async def test_an_answer_beyond_the_bound_is_refused():
    box = Outbox(b"\n")
    assert box.put(b"x" * (MAX_BYTES + 1))  # alone it may be as large as it is
    assert not box.put(b"x")


async def test_publications_are_refused_above_the_mark_and_not_even_spelled():
    box = Outbox(b"\n")
    assert box.offer(lambda: b"x" * (HIGH_BYTES + 1))

    def spell() -> bytes:
        raise AssertionError

    assert not box.offer(spell)
    assert box.put(b"an answer still fits")


async def test_room_comes_when_the_socket_has_drained():
    box, socket = Outbox(b"\n"), Socket()
    socket.gate = anyio.Event()
    for _ in range(4):
        box.put(b"x" * LOW_BYTES)
    has_room = anyio.Event()

    async def wait_for_room() -> None:
        await box.room()
        has_room.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait_for_room)
        group.start_soon(box.run, socket.write)
        await anyio.wait_all_tasks_blocked()
        assert not has_room.is_set()
        socket.gate.set()
        with anyio.fail_after(5):
            await has_room.wait()
        group.cancel_scope.cancel()
    assert len(socket.frames) == 4


async def test_all_who_wait_for_room_get_it():
    box, socket = Outbox(b"\n"), Socket()
    for _ in range(2):
        box.put(b"x" * LOW_BYTES)
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                for _ in range(3):  # subscriptions that catch up at once
                    group.start_soon(box.room)
                await anyio.wait_all_tasks_blocked()
                await box.flush(socket.write)


async def test_a_closed_outbox_lets_go_of_who_waits():
    box = Outbox(b"\n")
    box.put(b"x" * LOW_BYTES)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(box.room)
            group.start_soon(box.room)
            await anyio.wait_all_tasks_blocked()
            box.close()


async def test_a_socket_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox, "WRITE_SECONDS", 0.01)
    box, socket = Outbox(b"\n"), Socket()
    socket.gate = anyio.Event()
    box.put(b"x")

    with pytest.raises(TimeoutError):
        await box.run(socket.write)


async def test_nothing_is_written_after_a_frame_whose_writing_was_cut():
    box, socket = Outbox(b"\n"), Socket()
    socket.gate = anyio.Event()
    assert box.put(b"first")
    async with anyio.create_task_group() as group:
        group.start_soon(box.run, socket.write)
        await anyio.wait_all_tasks_blocked()
        assert box.put(b"second")
        group.cancel_scope.cancel()

    socket.gate.set()
    await box.flush(socket.write)
    assert socket.frames == []
