"""The gate's scripts, which Redis runs."""

from functools import cache
from pathlib import Path


@cache
def text(name: str) -> str:
    """One script's text."""
    return (Path(__file__).parent / f"{name}.lua").read_text()
