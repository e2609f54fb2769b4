"""Publications as what changed since the one before, for clients that agreed to `delta`.

To such a client the JSON form tells every payload as text, in a string: whole, or as a patch
against the text of the publication before. The Protobuf form has bytes for both.
"""

from collections.abc import Sequence

import msgspec

from protocols.centrifugal.delta import delta, text
from protocols.centrifugal.wire.publication import publication_field
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import Publication

_ENCODER = msgspec.json.Encoder()


def change_fields(
    publications: Sequence[Publication], before: bytes | None, *, is_text: bool
) -> list[PublicationField]:
    """The first against `before` (None: whole), each of the others against the one before it."""
    fields: list[PublicationField] = []
    for publication in publications:
        field = publication_field(publication)
        patch = None if before is None else delta(before, publication.data)
        if is_text:
            patch, field.data = _as_text(patch, publication.data)
        elif patch is not None:
            field.data = msgspec.Raw(patch)
        field.delta = patch is not None
        fields.append(field)
        before = publication.data
    return fields


def _as_text(patch: bytes | None, data: bytes) -> tuple[bytes | None, msgspec.Raw]:
    """The patch if it is one that text can hold, and the string that stands for either."""
    told = None if patch is None else text(patch)
    if told is None:
        return None, msgspec.Raw(_ENCODER.encode(data.decode(errors="replace")))
    return patch, msgspec.Raw(_ENCODER.encode(told))
