"""Writes. Each function is one transaction that also records what was done (audit) and tells it (domain events)."""
