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

    def wants(self, batch: Batch) -> bool:
        """Whether anything of the batch is for this client."""
        ...

    def spelled(self, batch: Batch) -> bytes:
        """What of the batch is for this client, which is told it next."""
        ...

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """The same of the first page, which stands in the answer."""
        ...


class Whole:
    """Each publication as it was published."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def wants(self, batch: Batch) -> bool:
        """See `Spelling`."""
        return True

    def spelled(self, batch: Batch) -> bytes:
        """See `Spelling`."""
        return batch.spelled(self._form.publications)

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """See `Spelling`."""
        return [publication_field(one) for one in publications]


class Filtered:
    """Those whose tags match; one verdict serves all who have the same filter."""

    def __init__(self, form: Form, tags: TagsFilter) -> None:
        self._form = form
        self._tags = tags

    def wants(self, batch: Batch) -> bool:
        """See `Spelling`."""
        return bool(self._wanted(batch))

    def spelled(self, batch: Batch) -> bytes:
        """See `Spelling`."""
        spell = self._form.publications
        key = (self._tags, spell)
        return batch.once(key, lambda: spell(batch.channel, self._wanted(batch)))

    def page(self, publications: Sequence[Publication]) -> list[PublicationField]:
        """See `Spelling`."""
        return [publication_field(one) for one in publications if self._matches(one)]

    def _wanted(self, batch: Batch) -> list[Publication]:
        return batch.once(
            self._tags, lambda: [one for one in batch.publications if self._matches(one)]
        )

    def _matches(self, publication: Publication) -> bool:
        is_tagged = isinstance(publication, ApplicationPublication)
        return self._tags.matches(publication.tags if is_tagged else NO_TAGS)


class Changes:
    """Each as what changed since the one before, wherever this client was told that one."""

    def __init__(self, form: Form, channel: Channel) -> None:
        self._form = form
        self._has_history = channel.has_history
        self._is_chained = False

    def wants(self, batch: Batch) -> bool:
        """See `Spelling`."""
        return True

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


def spelling(terms: Terms, form: Form, channel: Channel) -> Spelling:
    """That of somebody who is in the channel on these terms."""
    if terms.is_delta:
        return Changes(form, channel)
    return Filtered(form, terms.tags) if terms.tags else Whole(form)
