"""Writes of the workflows app."""
