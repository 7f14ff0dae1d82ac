"""Google and GitHub on loopback: the page that asks, the token, who it is. One person is logged in there."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

from tests.common.loopback import LoopbackServer, Received, answer

CLIENT = {"client_id": "levqor-here", "secret": "a-secret-of-the-test"}


@dataclass
class Person:
    """Who is logged in at the provider; `emails`: (address, confirmed by the provider), the first one is primary."""

    id: str = "1001"
    name: str = "Ada Lovelace"
    emails: list[tuple[str, bool]] = field(default_factory=lambda: [("ada@example.com", True)])


class Provider:
    """One provider, for one test. `refuses`: the person says no. `breaks`: the token endpoint is out of order."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.person = Person()
        self.refuses = self.breaks = False
        self.granted: dict[str, dict[str, str]] = {}
        self.server = LoopbackServer()
        self.server.script = self._answer

    def settings(self) -> dict[str, Any]:
        """What stands in SOCIALACCOUNT_PROVIDERS when this provider is configured."""
        return {self.kind: {"APPS": [CLIENT], "OAUTH_PKCE_ENABLED": True}}

    def addresses(self) -> dict[str, str]:
        """The attributes of allauth's adapter that name the provider's endpoints."""
        base = self.server.url
        own = (
            {"identity_url": f"{base}/me"}
            if self.kind == "google"
            else {"profile_url": f"{base}/me", "emails_url": f"{base}/emails"}
        )
        return {"authorize_url": f"{base}/authorize", "access_token_url": f"{base}/token", **own}

    def visit(self, address: str) -> str:
        """What a browser does at the provider: opens its page and is sent back. Returns where to."""
        parts = urlsplit(address)
        assert parts.path == "/authorize"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert asked["client_id"] == CLIENT["client_id"]
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        if self.refuses:
            back = {"error": "access_denied"}
        else:
            code = secrets.token_urlsafe(16)
            self.granted[code] = asked
            back = {"code": code}
        return asked["redirect_uri"] + "?" + urlencode({**back, "state": asked["state"]})

    def _answer(self, request: Received) -> list[bytes]:
        if request.path == "/token":
            return self._token(request)
        if not (request.header("authorization") or "").endswith("the-access-token"):
            return answer(401)
        found: Any = self._google_claims() if self.kind == "google" else {"id": int(self.person.id), "login": "ada"}
        if self.kind == "github":
            found["name"] = self.person.name
        if request.path == "/emails":
            found = [
                {"email": email, "verified": confirmed, "primary": not place}
                for place, (email, confirmed) in enumerate(self.person.emails)
            ]
        return _json(found)

    def _token(self, request: Received) -> list[bytes]:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        asked = self.granted.pop(form.get("code", ""), None)
        if self.breaks or asked is None or form.get("client_secret") != CLIENT["secret"]:
            return _json({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        token = {"access_token": "the-access-token", "token_type": "bearer", "expires_in": 3600}
        if self.kind == "google":
            token["id_token"] = jwt.encode(self._google_claims(), "a-key-that-nobody-checks-over-tls", "HS256")
        return _json(token)

    def _google_claims(self) -> dict[str, Any]:
        email, confirmed = self.person.emails[0] if self.person.emails else ("", False)
        return {
            "iss": "https://accounts.google.com",
            "aud": CLIENT["client_id"],
            "exp": 4_000_000_000,
            "sub": self.person.id,
            "name": self.person.name,
            "given_name": self.person.name.partition(" ")[0],
            "family_name": self.person.name.partition(" ")[2],
            "email": email,
            "email_verified": confirmed,
        }


def _json(value: Any, status: int = 200) -> list[bytes]:
    return answer(status, json.dumps(value).encode(), content_type="application/json")
