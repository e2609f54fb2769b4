"""The page to try the API: drawn in the browser from the OpenAPI document, nothing from elsewhere.

One static file with its style and script inside; the policy names their hashes, so it runs where
everything else is forbidden. It asks with the reader's session, or with a key she pastes.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

from protocols.rest.backing import backing, principal
from protocols.rest.inline import policy

_PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
_POLICY = policy(_PAGE, connects=True)


async def page(request: Request) -> HTMLResponse:
    """The page, for whoever may ask at all."""
    await principal(request, backing(request))
    return HTMLResponse(
        _PAGE,
        headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"},
    )
