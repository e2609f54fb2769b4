"""What happens in a channel as a message carries it, in whatever form."""

import msgspec

from protocols.centrifugal.wire.replies import JoinPush, LeavePush, Push, Reply
from protocols.centrifugal.wire.values import ClientInfo, PublicationField
from protocols.channels import ApplicationPublication, Publication
from protocols.operations.presence import Coming

_INFO = msgspec.json.Decoder(ClientInfo)
_ENCODER = msgspec.json.Encoder()


def publication_field(publication: Publication) -> PublicationField:
    """The publication; an application's with all that was told of it."""
    if not isinstance(publication, ApplicationPublication):
        return PublicationField(data=msgspec.Raw(publication.data), offset=publication.offset)
    return PublicationField(
        data=msgspec.Raw(publication.data),
        offset=publication.offset,
        info=read_info(publication.info),
        tags=dict(publication.tags),
        time=publication.time,
    )


def push(channel: str, publication: Publication) -> Reply:
    """The publication, told to who watches the channel."""
    return Reply(push=Push(channel, pub=publication_field(publication)))


def coming_push(coming: Coming) -> Reply | None:
    """Who has come or gone, told to who watches the channel; None where it cannot be read."""
    info = read_info(coming.info)
    if info is None:
        return None
    if coming.is_join:
        return Reply(push=Push(coming.channel, join=JoinPush(info)))
    return Reply(push=Push(coming.channel, leave=LeavePush(info)))


def write_info(info: ClientInfo) -> bytes:
    """Who publishes, as it is kept with what they publish."""
    return _ENCODER.encode(info)


def read_info(text: bytes) -> ClientInfo | None:
    """The other way; what a newer version wrote and cannot be read is left out."""
    try:
        return _INFO.decode(text) if text else None
    except msgspec.DecodeError:
        return None
