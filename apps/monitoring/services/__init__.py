"""Writes of the monitoring app."""
