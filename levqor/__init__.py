"""The Levqor project package. Imports nothing heavy: every process and tool passes through here."""

__version__ = "0.1.0"
