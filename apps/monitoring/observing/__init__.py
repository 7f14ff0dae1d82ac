"""Probes, objectives, gauges: what observing adds to the platform."""
