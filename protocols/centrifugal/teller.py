"""What one client is told: spelled in the form agreed on, queued for whoever writes."""

from collections.abc import Callable
from dataclasses import dataclass

from protocols.centrifugal import codes
from protocols.centrifugal.codes import Disconnect
from protocols.centrifugal.listeners import ending
from protocols.centrifugal.outbox import Outbox
from protocols.centrifugal.wire.form import Form
from protocols.centrifugal.wire.replies import Reply


@dataclass(frozen=True, slots=True)
class Teller:
    """The way out to a client, for all that have something to tell it.

    Attributes:
        form: That it understands.
        outbox: Where messages wait to be written.
        close: Ends its connection.
    """

    form: Form
    outbox: Outbox
    close: Callable[[Disconnect], None]

    def tell(self, reply: Reply) -> None:
        """Queue an answer or a push; a client that lets too much wait is closed as slow.

        One that only listens cannot see to an error: it is closed, and may come again.
        """
        if self.form.is_unidirectional and (why := ending(reply)):
            self.close(why)
        elif message := self.form.reply(reply):
            self.pass_on(message)

    def pass_on(self, message: bytes) -> None:
        """The same with what is spelled already."""
        if not self.outbox.put(message):
            self.close(codes.SLOW)
