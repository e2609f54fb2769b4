"""A publication's frame is understood as it was made, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.channels import StreamPosition
from protocols.errors import InvalidRequest
from store.redis.publications import (
    ChannelPublication,
    PublicationFrame,
    is_publication_frame,
    make_publication_frame,
    parse_publication_frame,
)

lines = st.binary(min_size=1, max_size=50).filter(lambda line: b"\n" not in line)
texts = st.text(max_size=20)
publications = st.builds(
    ChannelPublication,
    offset=st.integers(0, 2**53),
    time=st.integers(0, 2**53),
    data=lines,
    tags=st.dictionaries(texts, texts, max_size=3),
    info=st.just(b"") | lines,
)


@given(
    st.builds(
        PublicationFrame,
        st.from_regex(r"[a-z]{0,8}", fullmatch=True),
        publications,
        st.none() | lines,
    )
)
def test_a_frame_is_understood_as_it_was_made(frame: PublicationFrame):
    made = make_publication_frame(frame)

    assert is_publication_frame(made)
    assert parse_publication_frame(made) == frame


def test_a_frame_is_a_head_and_then_what_it_counts():
    frame = b'=abcdefgh 7 1790000000123 10 12 3\n{"k":"v"}\x20{"user":"a"}[1][1,2]'

    understood = parse_publication_frame(frame)

    assert understood.position == StreamPosition("abcdefgh", 7)
    assert understood.previous == b"[1]"
    assert understood.publication == ChannelPublication(
        offset=7, time=1790000000123, data=b"[1,2]", tags={"k": "v"}, info=b'{"user":"a"}'
    )


@pytest.mark.parametrize(
    "frame",
    [
        *(b"", b"=", b"e 1\n{}", b"=e 1 2 0 0 0\n", b"=e 1 2 0 0 0", b"=e 1 2 0 0\n{}"),
        *(b"=e 1 2 0 0 9\n{}", b"=e -1 2 0 0 0\n{}", b"=e x 2 0 0 0\n{}", b"=\xff 1 2 0 0 0\n{}"),
        *(b"=e 1 2 2 0 0\n[]{}", b"=e 1 2 1 0 0\n\xff{}", b"=e 1 2 0 0 " + b"9" * 5000 + b"\n{}"),
    ],
    ids=lambda frame: repr(frame[:16]),
)
def test_what_is_no_frame_is_refused(frame: bytes):
    with pytest.raises(InvalidRequest):
        parse_publication_frame(frame)
