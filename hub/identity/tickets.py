"""One-time tickets: how the first person, or one who lost her session, gets in.

Made beside the database by whoever can reach it (`pygent up`, `pygent login-link`), shown once as
a link, used once within ten minutes. A ticket stands behind the `#` of the link, which browsers
send to nobody; the page posts it. It is in no query, no log and no event.
"""

from hub.identity.secrets import hashed, new_secret
from protocols.principals import UserId
from store.connect import Store
from store.postgres.identity import IdentityTable

FIRST_PERSON = UserId("owner")
PATH = "/auth/ticket"


async def create_ticket(store: Store, user: UserId = FIRST_PERSON) -> str:
    """A ticket that logs this person in, once, within ten minutes.

    Raises:
        NotFound: There is no such person.
    """
    ticket = new_secret()
    await IdentityTable(store.log_pool, store.app).create_ticket(hashed(ticket), handle=user)
    return ticket


def link_of(url: str, ticket: str) -> str:
    """The address to open in a browser."""
    return f"{url.rstrip('/')}{PATH}#{ticket}"
