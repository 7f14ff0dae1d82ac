"""Tells the OpenAPI document how programs authenticate. Imported by `api`, once DRF is loaded."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class CredentialScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the package is partly typed
    """Tells the OpenAPI document about access tokens and API keys."""

    target_class = "apps.accounts.api_auth.CredentialAuthentication"
    name = ["bearer", "api_key"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either of them: one call shows one."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        """The security schemes of the OpenAPI document, in the order of their names."""
        return [
            {"type": "http", "scheme": "bearer", "description": "An access token or an API key."},
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # the package is partly typed
    """Tells the OpenAPI document about the session cookie."""

    target_class = "apps.accounts.api_auth.OrganizationSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """The security scheme of the OpenAPI document."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
