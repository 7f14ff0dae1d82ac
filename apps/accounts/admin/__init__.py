"""Staff pages of accounts: people, organizations, credentials."""

from apps.accounts.admin import access, organizations, people

__all__ = ["access", "organizations", "people"]
