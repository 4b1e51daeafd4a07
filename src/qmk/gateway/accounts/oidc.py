"""Sign-in by OpenID Connect: authorization code with PKCE, state and nonce.

What the issuer says of itself and its keys are read from it; keys are read again when an identity token is signed with
one that is not known. What has to be kept while the browser is with the issuer is sealed into a text that the browser
keeps.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from qmk.base.errors import QmkError
from qmk.gateway.accounts.outgoing import ask
from qmk.gateway.accounts.shapes import Organisation, Role
from qmk.secrets import read as read_secret

FLOW_S = 600
"""Seconds within which a browser has to come back from the issuer."""
KEPT_S = 3600.0
AGAIN_S = 10.0
"""Keys are not asked for again sooner."""
LEEWAY_S = 60
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has ``value`` in ``claim`` gets a role, or is an operator."""

    claim: str
    value: str
    organisation: Organisation | None = None
    role: Role = "member"
    operator: bool = False


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An identity provider, as the gateway is told of it. ``client_secret``: a reference to it, such as ``file:PATH``;
    ``user_claim``: what users are named by."""

    name: str
    issuer: str
    client_id: str
    title: str = ""
    client_secret: str = ""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    user_claim: str = "email"
    grants: tuple[Grant, ...] = ()


class _Flow(msgspec.Struct, frozen=True):
    provider: str
    state: str
    nonce: str
    verifier: str
    callback: str
    wanted: str


class Identity(msgspec.Struct, frozen=True):
    """Who has signed in, as the issuer says. ``wanted``: the page that the browser was after."""

    provider: Provider
    claims: dict[str, Any]
    wanted: str


class Issuer:
    """One provider; ``fetch`` asks it for a URL."""

    def __init__(
        self,
        provider: Provider,
        fetch: Callable[..., Awaitable[tuple[int, bytes]]] = ask,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.provider, self._fetch, self._clock = provider, fetch, clock
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = {"metadata": -KEPT_S, "keys": -KEPT_S}

    async def metadata(self) -> Mapping[str, Any]:
        """What the issuer says of itself (OpenID Connect Discovery). Raises CONNECTION_LOST, AUTH_FAILED."""
        if self._clock() - self._read_at["metadata"] >= KEPT_S:
            from authlib.oidc.discovery import OpenIDProviderMetadata  # what only sign-in needs is imported by it

            url = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            found: Any = OpenIDProviderMetadata(await self._json("GET", url))
            try:
                found.validate_issuer()
                found.validate_authorization_endpoint()
                found.validate_token_endpoint()
                found.validate_jwks_uri()
            except ValueError as error:
                if not self.provider.issuer.startswith("http://"):  # which tests and local issuers have
                    raise _refusal(f"the issuer's metadata are wrong: {error}") from None
            if found.get("issuer") != self.provider.issuer:
                raise _refusal("the issuer calls itself by another name")
            self._metadata = dict(found)
            self._read_at["metadata"] = self._clock()
        return self._metadata

    async def begin(self, callback: str, wanted: str, cipher: Fernet) -> tuple[str, str]:
        """Where the browser is sent, and the text that it keeps meanwhile."""
        from authlib.oauth2 import rfc7636

        state, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        flow = _Flow(self.provider.name, state, nonce, verifier, callback, wanted)
        query = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": callback,
            "scope": " ".join(self.provider.scopes),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": str(cast("Any", rfc7636).create_s256_code_challenge(flow.verifier)),
            "code_challenge_method": "S256",
        }
        address = str((await self.metadata())["authorization_endpoint"])
        sealed = cipher.encrypt_at_time(msgspec.json.encode(flow), int(self._clock())).decode()
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", sealed

    async def finish(self, kept: str, answer: Mapping[str, str], cipher: Fernet) -> Identity:
        """Who has signed in. ``kept``: the text that the browser kept; ``answer``: the query with which it came back.
        Raises AUTH_FAILED."""
        flow = open_flow(kept, cipher, self._clock())
        if not secrets.compare_digest(flow.state.encode(), answer.get("state", "").encode()):
            raise _refusal("the answer belongs to another sign-in")
        metadata = await self.metadata()
        if answer.get("iss", self.provider.issuer) != self.provider.issuer:  # RFC 9207
            raise _refusal("the answer is another issuer's")
        if "iss" not in answer and metadata.get("authorization_response_iss_parameter_supported"):
            raise _refusal("the answer does not name its issuer")
        if "error" in answer or not answer.get("code"):
            raise _refusal(f"the issuer refused: {answer.get('error', 'it gave no code')[:64]}")
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": flow.callback,
            "client_id": self.provider.client_id,
            "code_verifier": flow.verifier,
        }
        if self.provider.client_secret:
            form["client_secret"] = read_secret(self.provider.client_secret, "client_secret")
        tokens = await self._json("POST", str(metadata["token_endpoint"]), urlencode(form).encode())
        claims = await self._claims(str(tokens.get("id_token", "")), flow.nonce, tokens.get("access_token"))
        return Identity(self.provider, claims, flow.wanted)

    async def _claims(self, text: str, nonce: str, access_token: Any) -> dict[str, Any]:
        """The claims of an identity token that is the issuer's, for this client and of now."""
        try:
            try:
                token = jwt.decode(text, await self._key_set(), algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                if self._clock() - self._read_at["keys"] < AGAIN_S:
                    raise
                token = jwt.decode(text, await self._key_set(again=True), algorithms=ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": self.provider.issuer},
                "aud": {"essential": True, "value": self.provider.client_id},
                "sub": {"essential": True},
            }
            params = {"nonce": nonce, "client_id": self.provider.client_id, "access_token": access_token}
            from authlib.oidc.core import CodeIDToken

            claims: Any = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(int(self._clock()), LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise _refusal(f"the identity token is not good: {error}") from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "authlib":
                raise
            raise _refusal(f"the identity token is not good: {error}") from None
        return dict(claims)

    async def _key_set(self, *, again: bool = False) -> KeySet:
        if self._keys is None or again or self._clock() - self._read_at["keys"] >= KEPT_S:
            self._keys = KeySet.import_key_set(
                cast("Any", await self._json("GET", str((await self.metadata())["jwks_uri"])))
            )
            self._read_at["keys"] = self._clock()
        return self._keys

    async def _json(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if not url.startswith("https://") and not self.provider.issuer.startswith("http://"):
            raise _refusal("the issuer names an address without TLS")
        status, found = await self._fetch(method, url, body, headers, private=True)
        try:
            value = msgspec.json.decode(found)
        except msgspec.DecodeError:
            value = None
        if status != 200 or not isinstance(value, dict):
            raise _refusal(f"the issuer answered with status {status}")
        return cast("dict[str, Any]", value)


def open_flow(kept: str, cipher: Fernet, now: float) -> _Flow:
    """What a browser kept. Raises AUTH_FAILED where it is not ours or too old."""
    try:
        return msgspec.json.decode(cipher.decrypt_at_time(kept.encode(), FLOW_S, int(now)), type=_Flow)
    except (InvalidToken, UnicodeEncodeError, msgspec.DecodeError):
        raise _refusal("the sign-in took too long, or was begun in another browser") from None


def _refusal(why: str) -> QmkError:
    return QmkError(
        "AUTH_FAILED", f"sign-in failed: {why}", help="begin again; if that does not help, ask the operator"
    )
