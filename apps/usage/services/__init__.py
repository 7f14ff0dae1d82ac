"""Writes of the usage app."""
