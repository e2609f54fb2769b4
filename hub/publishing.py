"""What programs of a team say in its channels. Keeps the `Publishing` promise."""

from collections.abc import Sequence

from protocols.channels import Channel, StreamPosition
from protocols.errors import FactoryError, Forbidden, LimitExceeded
from protocols.namespaces import ApplicationNamespace
from protocols.operations.publishing import Publish
from protocols.principals import Principal
from store.access import Operation, allow
from store.redis.application import MAX_CHANNELS, Application
from store.redis.publications import NewPublication, PublishOptions


class TeamPublishing:
    """The channels of one principal's team."""

    def __init__(self, application: Application, principal: Principal) -> None:
        self._application = application
        self._principal = principal

    async def publish(self, channel: Channel, publication: Publish) -> StreamPosition:
        """See the promise."""
        allow(self._principal, Operation.CHANNELS_PUBLISH)
        options = _options(_rules(channel), publication)
        published = await self._application.publish(
            self._principal.team, str(channel), _new(publication), options
        )
        return published.position

    async def broadcast(
        self, channels: Sequence[Channel | FactoryError], publication: Publish
    ) -> list[StreamPosition | FactoryError]:
        """See the promise. Channels of one namespace go to Redis together."""
        allow(self._principal, Operation.CHANNELS_PUBLISH)
        if len(channels) > MAX_CHANNELS:
            raise LimitExceeded(f"a broadcast is to at most {MAX_CHANNELS} channels")
        answers: list[StreamPosition | FactoryError] = []
        by_rules: dict[ApplicationNamespace, list[int]] = {}
        for number, channel in enumerate(channels):
            error = channel if isinstance(channel, FactoryError) else _refusal(channel)
            answers.append(error or StreamPosition("", 0))
            if error is None and isinstance(channel, Channel):
                by_rules.setdefault(_rules(channel), []).append(number)
        for rules, numbers in by_rules.items():
            names = [str(channels[number]) for number in numbers]
            found = await self._publish_all(names, publication, rules)
            for number, answer in zip(numbers, found, strict=True):
                answers[number] = answer
        return answers

    async def _publish_all(
        self, names: Sequence[str], publication: Publish, rules: ApplicationNamespace
    ) -> Sequence[StreamPosition | FactoryError]:
        try:
            found = await self._application.broadcast(
                self._principal.team, names, _new(publication), _options(rules, publication)
            )
        except FactoryError as error:  # of this namespace alone: others have other limits
            return [error] * len(names)
        return [one if isinstance(one, FactoryError) else one.position for one in found]

    async def remove_history(self, channel: Channel) -> None:
        """See the promise."""
        allow(self._principal, Operation.CHANNELS_PUBLISH)
        _rules(channel)
        await self._application.remove(self._principal.team, str(channel))


def _rules(channel: Channel) -> ApplicationNamespace:
    """Of an application's channel.

    Raises:
        Forbidden: It is the factory's own.
    """
    rules = channel.application
    if rules is None:
        raise Forbidden(f"only the factory publishes to channel {str(channel)!r}")
    return rules


def _refusal(channel: Channel) -> FactoryError | None:
    try:
        _rules(channel)
    except Forbidden as error:
        return error
    return None


def _new(publication: Publish) -> NewPublication:
    return NewPublication(data=publication.data, tags=publication.tags)


def _options(rules: ApplicationNamespace, publication: Publish) -> PublishOptions:
    keeps = not publication.skips_history
    return PublishOptions(
        history_size=rules.history_size if keeps else 0,
        history_seconds=rules.history_seconds if keeps else 0,
        idempotency_key=publication.idempotency_key,
        version=publication.version,
        version_epoch=publication.version_epoch,
        max_bytes=rules.max_bytes,
    )
