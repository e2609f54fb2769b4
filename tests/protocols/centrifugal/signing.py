"""Tokens made by hand: signed rightly or not, with claims and headers no library would write."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SECRET = "a secret of 32 bytes and some more"
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519_PEM = (
    ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
)
NOW = 1_800_000_000.0
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

Part = Mapping[str, object] | bytes


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


ED25519_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": base64url(ED25519.public_key().public_bytes_raw()),
}


def unsigned(claims: Part, header: Part) -> str:
    """The first two parts."""
    return ".".join(base64url(_bytes(part)) for part in (header, claims))


def _bytes(part: Part) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def by_hmac(
    claims: Part,
    *,
    header: Part | None = None,
    secret: str | bytes = SECRET,
    algorithm: str = "HS256",
) -> str:
    """Signed by HMAC; the header says so unless another is given."""
    signed = unsigned(claims, {"alg": algorithm, "typ": "JWT"} if header is None else header)
    key = secret.encode() if isinstance(secret, str) else secret
    return f"{signed}.{base64url(hmac.digest(key, signed.encode(), HASHES[algorithm]))}"


def by_ed25519(
    claims: Part, *, header: Part | None = None, key: Ed25519PrivateKey = ED25519
) -> str:
    """Signed by Ed25519; the header says so unless another is given."""
    signed = unsigned(claims, {"alg": "EdDSA", "typ": "JWT"} if header is None else header)
    return f"{signed}.{base64url(key.sign(signed.encode()))}"
