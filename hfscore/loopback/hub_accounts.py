"""Routes of accounts: whoami, the OAuth provider, trusted publishers.

The CI side of trusted publishing (the runner's token service) is served too, so that the client's own code path runs.
Identity tokens for people are signed (RS256) with `cryptography`; where it is not installed those
routes answer 501. The CI's tokens are unsigned: the exchange checks their claims, not a signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import unquote, urlencode

from hfscore.loopback.hub_state import SYSTEM_USER, HubState, require_user
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, Token, as_json

_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a token type
_SCOPES = {
    "read-repos": ("repo.read",),
    "write-repos": ("repo.read", "repo.write", "discussion.write"),
    "write-discussions": ("discussion.write",),
    "contribute-repos": ("repo.write", "discussion.write"),
    "manage-repos": ("repo.read", "repo.write", "discussion.write"),
    "jobs": ("job.write",),
    "inference-api": ("inference.serverless.write",),
    "gated-repos": ("repo.content.read",),
}
_KEY_ID = "loopback"
# Where the runner's token service lives; its Authorization is the runner's own, no Hub token.
RUNNER = "/runner/id-token/"


def whoami(state: HubState, call: Call) -> Answer:
    """Answer `whoami`; a trusted publisher's token is no person and is refused."""
    token = require_user(call)
    if token.role == "oidc":
        raise RefusedError(403, "This token does not belong to a user.")
    access: dict[str, Any] = {"displayName": "loopback", "role": token.role, "createdAt": _CREATED}
    if token.role == "fineGrained":
        entity = {"type": "user", "name": token.user}
        scoped = [{"entity": entity, "permissions": sorted(token.scopes)}]
        access["fineGrained"] = {"canReadGatedRepos": True, "global": [], "scoped": scoped}
    orgs = [
        {"type": "org", "name": org, "fullname": org, "roleInOrg": "admin", "avatarUrl": _AVATAR}
        for org, members in state.orgs.items()
        if token.user in members
    ]
    return as_json({**_person(token.user), "orgs": orgs, "auth": {"type": "access_token", "accessToken": access}})


_CREATED = "2026-01-01T00:00:00.000Z"
_AVATAR = "/avatars/loopback.svg"


def _person(user: str) -> dict[str, Any]:
    return {
        "type": "user",
        "id": hashlib.sha256(user.encode()).hexdigest()[:24],
        "name": user,
        "fullname": user,
        "email": f"{user}@example.org",
        "emailVerified": True,
        "isPro": False,
        "canPay": False,
        "avatarUrl": _AVATAR,
        "periodEnd": None,
    }


def authorize(state: HubState, call: Call) -> Answer:
    """Consent at once, for whom the browser's cookie `hub_user` names, and go back to the application with a code.

    Without the cookie it is the Hub's first user.
    """
    names = ("redirect_uri", "state", "scope", "code_challenge", "client_id", "nonce")
    asked = {name: next(iter(call.params(name)), "") for name in names}
    if not asked["redirect_uri"]:
        raise RefusedError(400, '"redirect_uri" is required')
    asked["user"] = _browser_user(state, call)
    code = secrets.token_urlsafe(16)
    state.codes[code] = asked
    joint = "&" if "?" in asked["redirect_uri"] else "?"
    back = urlencode({"code": code, "state": asked["state"]})
    return Answer(b"", 302, {"Location": f"{asked['redirect_uri']}{joint}{back}"})


def _browser_user(state: HubState, call: Call) -> str:
    """Whose browser this is."""
    cookies = SimpleCookie(call.headers.get("cookie", ""))
    if "hub_user" in cookies:
        return cookies["hub_user"].value
    return next(iter(state.tokens.values())).user


def token(state: HubState, call: Call) -> Answer:
    """Exchange an authorization code (RFC 6749, with PKCE) or a CI's identity (RFC 8693)."""
    grant = str(call.field("grant_type"))
    if grant == _EXCHANGE:
        return _exchange(state, call)
    if grant != "authorization_code":
        raise _denied("unsupported_grant_type", f"{grant} is not supported")
    asked = state.codes.pop(str(call.field("code")), None)
    if asked is None:
        raise _denied("invalid_grant", "The code is unknown or was used.")
    _check_client(call, asked["client_id"])
    if asked["code_challenge"]:
        digest = hashlib.sha256(str(call.field("code_verifier")).encode()).digest()
        if _base64(digest) != asked["code_challenge"]:
            raise _denied("invalid_grant", "The code verifier does not fit.")
    granted = asked["scope"].split()
    user = asked["user"]
    value = f"hf_oauth_{secrets.token_urlsafe(24)}"
    answer = {"access_token": value, "token_type": "bearer", "expires_in": 28800, "scope": asked["scope"]}
    if "openid" in granted:
        answer["id_token"] = _id_token(state, user, asked)
    scopes = frozenset(s for name in granted for s in _SCOPES.get(name, ()))
    state.tokens[value] = Token(user, "fineGrained", scopes)
    return as_json(answer)


def _check_client(call: Call, client: str) -> None:
    """Refuse an application other than the one that was consented to, or one without its secret (RFC 6749, 2.3.1)."""
    scheme, _, packed = call.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return  # a public client proves itself by PKCE alone
    try:
        name, _, secret = base64.b64decode(packed).decode().partition(":")
    except ValueError:
        raise _denied("invalid_client", "The credentials cannot be read.") from None
    if unquote(name) != client or not secret:
        raise _denied("invalid_client", "The code was given to another application.")


def _denied(error: str, description: str) -> RefusedError:
    return RefusedError(400, f"{error}: {description}")


def _exchange(state: HubState, call: Call) -> Answer:
    """Trade a CI's identity token for a short-lived token that may write one repository."""
    if call.field("subject_token_type") != _ID_TOKEN:
        raise _denied("invalid_request", "subject_token_type must be an id_token")
    claims, resource = _claims(str(call.field("subject_token"))), str(call.field("resource"))
    if claims.get("aud") != state.endpoint:
        raise _denied("invalid_grant", "The audience is not this Hub.")
    if not resource or state.publishers.get(resource) != claims.get("repository"):
        raise _denied("invalid_grant", f"No trusted publisher of {resource} matches these claims.")
    value = f"hf_jwt_{secrets.token_urlsafe(24)}"
    state.tokens[value] = Token(SYSTEM_USER, "oidc", resource=resource)
    kind = "urn:ietf:params:oauth:token-type:access_token"
    return as_json({"access_token": value, "issued_token_type": kind, "token_type": "bearer", "expires_in": 3600})


def _claims(jwt: str) -> Mapping[str, Any]:
    try:
        payload = jwt.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        raise _denied("invalid_grant", "The subject token is not a JWT.") from None
    return claims if isinstance(claims, dict) else {}


def mint(state: HubState, call: Call) -> Answer:
    """Play the CI runner's token service: an identity for the repository in the path."""
    if not call.headers.get("authorization"):
        raise RefusedError(401, "The runner's request token is missing.")
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": next(iter(call.params("audience")), ""),
        "repository": call.args["repository"],
        "exp": int(time.time()) + 300,
    }
    parts = [_base64(json.dumps(part).encode()) for part in ({"alg": "none"}, claims)]
    return as_json({"value": ".".join([*parts, "loopback"])})


def userinfo(state: HubState, call: Call) -> Answer:
    """Answer OpenID's userinfo."""
    return as_json(_profile(state, require_user(call).user))


def _profile(state: HubState, user: str) -> dict[str, Any]:
    person = _person(user)
    return {
        "sub": person["id"],
        "name": user,
        "preferred_username": user,
        "profile": f"{state.endpoint}/{user}",
        "picture": person["avatarUrl"],
        "isPro": False,
        "orgs": [{"name": o, "preferred_username": o} for o, m in state.orgs.items() if user in m],
    }


def openid_configuration(state: HubState, call: Call) -> Answer:
    """Answer OpenID's discovery document."""
    at = state.endpoint
    return as_json(
        {
            "issuer": at,
            "authorization_endpoint": f"{at}/oauth/authorize",
            "token_endpoint": f"{at}/oauth/token",
            "userinfo_endpoint": f"{at}/oauth/userinfo",
            "jwks_uri": f"{at}/.well-known/jwks.json",
            "scopes_supported": ["openid", "profile", "email", *_SCOPES],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", _EXCHANGE],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


def _key(state: HubState) -> Any:
    """Return the Hub's signing key, made at first use."""
    try:
        rsa = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
    except ImportError:
        raise RefusedError(501, "Signing needs the package cryptography.") from None
    if "rsa" not in state.keys:
        state.keys["rsa"] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return state.keys["rsa"]


def jwks(state: HubState, call: Call) -> Answer:
    """Answer the public half of the signing key (RFC 7517)."""
    numbers = _key(state).public_key().public_numbers()
    n, e = (_base64(v.to_bytes((v.bit_length() + 7) // 8)) for v in (numbers.n, numbers.e))
    key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID, "n": n, "e": e}
    return as_json({"keys": [key]})


def _id_token(state: HubState, user: str, asked: Mapping[str, str]) -> str:
    """Return a signed identity token (RFC 7519, RS256)."""
    key = _key(state)
    hashes = import_module("cryptography.hazmat.primitives.hashes")
    padding = import_module("cryptography.hazmat.primitives.asymmetric.padding")
    issued = int(time.time())
    claims = _profile(state, user) | {"iss": state.endpoint, "aud": asked["client_id"]}
    claims |= {"iat": issued, "exp": issued + 3600}
    if asked["nonce"]:
        claims["nonce"] = asked["nonce"]
    header = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
    signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
