"""How long to wait before something that failed is tried again."""

import random


def pause(attempt: int, *, first: float = 2.0, longest: float = 3600.0, factor: float = 2.0) -> float:
    """Seconds after this many attempts: longer each time up to `longest`, of which chance takes up to a half."""
    return random.uniform(0.5, 1.0) * min(first * factor ** (attempt - 1), longest)  # noqa: S311 - jitter, not a secret
