"""How the states of runs and steps look."""

from rich.text import Text

from levqor_cli import clock

_LOOKS = {
    "pending": ("·", ".", "dim"),
    "queued": ("·", ".", "dim"),
    "running": ("▶", ">", "cyan"),
    "waiting": ("◷", "~", "yellow"),
    "succeeded": ("✓", "+", "green"),
    "failed": ("✗", "x", "bold red"),
    "skipped": ("↷", "-", "dim"),
    "cancelled": ("⊘", "o", "magenta"),
}
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def style_of(state: str) -> str:
    """The style of a state's word and symbol."""
    return _LOOKS.get(state, ("?", "?", ""))[2]


def symbol(state: str, *, unicode: bool = True, moving: bool = False) -> Text:
    """The symbol of a state; a running one spins when `moving`."""
    fancy, ascii_only, style = _LOOKS.get(state, ("?", "?", ""))
    if moving and state == "running" and unicode:
        fancy = _SPINNER[int(clock.monotonic() * 10) % len(_SPINNER)]
    return Text(fancy if unicode else ascii_only, style=style)


def state_text(state: str, *, unicode: bool = True) -> Text:
    """Symbol and word: never colour alone."""
    return Text.assemble(symbol(state, unicode=unicode), " ", (state, style_of(state)))
