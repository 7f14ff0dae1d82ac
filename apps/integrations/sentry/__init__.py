"""Sentry, or what speaks like it: where errors are told. Nothing here is imported while `SENTRY_DSN` is empty."""
