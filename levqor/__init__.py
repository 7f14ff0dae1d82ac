"""The Levqor project package. Imports nothing heavy: every process and tool passes through here."""

import gc

# While a process starts it makes a quarter of a million objects that all stay. To look through them for garbage again
# and again took a fifth of the start. What it has at the end is never looked at any more: `ProjectConfig.ready`.
gc.set_threshold(10_000, 10, 10)

__version__ = "0.1.0"
