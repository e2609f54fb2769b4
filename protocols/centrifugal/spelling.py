"""How the publications of one subscription are spelled: all, those of certain tags, or as changes.

What is the same for many subscriptions is made once, for the first of them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from protocols.centrifugal.tags import TagsFilter
from protocols.centrifugal.terms import Terms
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.publication import publication_field
from protocols.centrifugal.wire.values import PublicationField
from protocols.channels import ApplicationPublication, Channel, Publication
from protocols.operations.channels import Batch

NO_TAGS: Mapping[str, str] = {}


class Spelling(Protocol):
    """One subscription's; it sees what its client is told, in order."""

    def wanted(self, batch: Batch) -> Sequence[Publication]:
        """What of the batch is for this client."""
        ...

    def newest(self, batch: Batch) -> Batch:
        """The last of what is wanted, of which there is some; to be spelled in its place."""
        ...

    def spelled(self, batch: Batch) -> bytes:
        """What of the batch is for this client, which is told it next."""
        ...

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """The same of the first page, which stands in the answer."""
        ...


class Whole:
    """Each publication as it was published."""

    __slots__ = ("_form",)

    def __init__(self, form: Form) -> None:
        self._form = form

    def wanted(self, batch: Batch) -> Sequence[Publication]:
        """See `Spelling`."""
        return batch.publications

    def newest(self, batch: Batch) -> Batch:
        """See `Spelling`."""
        return batch.once(_newest, lambda: _newest(batch.channel, batch.publications))

    def spelled(self, batch: Batch) -> bytes:
        """See `Spelling`."""
        return batch.spelled(self._form.publications)

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """See `Spelling`."""
        return [publication_field(one) for one in publications]


class Filtered:
    """Those whose tags match; one verdict serves all who have the same filter."""

    __slots__ = ("_form", "_tags")

    def __init__(self, form: Form, tags: TagsFilter) -> None:
        self._form = form
        self._tags = tags

    def wanted(self, batch: Batch) -> Sequence[Publication]:
        """See `Spelling`."""
        return batch.once(
            self._tags, lambda: [one for one in batch.publications if self._matches(one)]
        )

    def newest(self, batch: Batch) -> Batch:
        """See `Spelling`."""
        key = (self._tags, _newest)
        return batch.once(key, lambda: _newest(batch.channel, self.wanted(batch)))

    def spelled(self, batch: Batch) -> bytes:
        """See `Spelling`."""
        spell = self._form.publications
        key = (self._tags, spell)
        return batch.once(key, lambda: spell(batch.channel, self.wanted(batch)))

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """See `Spelling`."""
        return [publication_field(one) for one in publications if self._matches(one)]

    def _matches(self, publication: Publication) -> bool:
        is_tagged = isinstance(publication, ApplicationPublication)
        return self._tags.matches(publication.tags if is_tagged else NO_TAGS)


class Changes:
    """Each as what changed since the one before, wherever this client was told that one."""

    __slots__ = ("_form", "_has_history", "_is_chained")

    def __init__(self, form: Form, channel: Channel) -> None:
        self._form = form
        self._has_history = channel.has_history
        self._is_chained = False

    def wanted(self, batch: Batch) -> Sequence[Publication]:
        """See `Spelling`."""
        return batch.publications

    def newest(self, batch: Batch) -> Batch:
        """See `Spelling`: a whole, since what it is a change of may not be told."""
        return batch.once(_newest, lambda: _newest(batch.channel, batch.publications))

    def spelled(self, batch: Batch) -> bytes:
        """See `Spelling`."""
        spell = self._form.changes
        before = batch.previous if self._is_chained else None
        self._note(batch.publications)
        key = (spell, before is None)
        return batch.once(key, lambda: spell(batch.channel, batch.publications, before))

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """See `Spelling`."""
        if publications:
            self._note(publications)
        return self._form.change_fields(publications, None)

    def _note(self, publications: Sequence[Publication]) -> None:
        """What stands beside the history is not what the next one is a change of."""
        self._is_chained = not self._has_history or publications[-1].offset > 0


def _newest(channel: str, publications: Sequence[Publication]) -> Batch:
    return Batch(channel, publications[-1:])


def spelling(terms: Terms, form: Form, channel: Channel) -> Spelling:
    """That of somebody who is in the channel on these terms."""
    if terms.is_delta:
        return Changes(form, channel)
    return Filtered(form, terms.tags) if terms.tags else Whole(form)
