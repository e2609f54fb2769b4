"""A content security policy for a page that carries its style and script inside."""

import base64
import hashlib
import re

_INLINE = {
    "script-src": re.compile(r"<script>(.*?)</script>", re.DOTALL),
    "style-src": re.compile(r"<style>(.*?)</style>", re.DOTALL),
}


def policy(page: str, *, connects: bool = False) -> str:
    """Nothing but the page's own inline parts, named by their hashes.

    Args:
        page: The HTML; its parts stand in bare `<script>` and `<style>` elements.
        connects: Whether its script may ask the site it came from.
    """
    parts = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "img-src data:"]
    for directive, pattern in _INLINE.items():
        hashes = [f"'sha256-{_hash(part)}'" for part in pattern.findall(page)] or ["'none'"]
        parts.append(" ".join([directive, *hashes]))
    parts.append("connect-src 'self'" if connects else "connect-src 'none'")
    parts.append("frame-ancestors 'none'")
    return "; ".join(parts)


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
