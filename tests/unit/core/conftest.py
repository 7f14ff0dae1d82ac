"""Fixtures that several modules here use."""

from tests.common.jobs import clock, no_other_jobs, work

__all__ = ["clock", "no_other_jobs", "work"]
