"""Colours are readable: at least 4.5:1 for text, in light and dark."""

import re
from pathlib import Path

import pytest
from django.conf import settings

CSS = Path(settings.BASE_DIR) / "static/css"
TOKENS = dict(
    re.findall(
        r"--([\w-]+): light-dark\((#[0-9a-f]{6}, #[0-9a-f]{6})\);", (CSS / "tokens.css").read_text(encoding="utf-8")
    )
)
GROUNDS = ("bg", "surface", "raised", "sunken", "hover")
CODE = ("key", "string", "number", "comment", "punctuation")
MEANINGS = ("ok", "warn", "bad", "info")
PAIRS = [
    *((ink, ground) for ink in ("text", "muted", *MEANINGS) for ground in GROUNDS),
    *((ink, f"{ink}-soft") for ink in MEANINGS),
    *(("text", f"{ink}-soft") for ink in MEANINGS),
    *(
        (f"code-{part}", ground)
        for part in ("key", "string", "number", "comment", "punctuation")
        for ground in ("bg", "sunken")
    ),
]


def luminance(color: str) -> float:
    """WCAG's relative luminance of a hex colour, 0…1."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground"), PAIRS)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(ink: str, ground: str, theme: int) -> None:
    colors = [TOKENS[name].split(", ")[theme] for name in (ink, ground)]
    assert contrast(*colors) >= 4.5, f"{ink} on {ground}"


@pytest.mark.parametrize("hue", ["hue-2", "hue-3", "hue-4", "hue-5"])
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_bars_of_a_chart_stand_out(hue: str, theme: int) -> None:
    bar, ground = (TOKENS[name].split(", ")[theme] for name in (hue, "surface"))
    assert contrast(bar, ground) >= 3, hue


def test_pages_take_colours_from_the_tokens() -> None:
    """No other style sheet brings colours of its own, but for the terminal picture of the landing page."""
    strays = {
        f"{sheet.name}: {line.strip()}"
        for sheet in CSS.glob("*.css")
        if sheet.name not in {"tokens.css", "marketing.css"}
        for line in sheet.read_text(encoding="utf-8").splitlines()
        if re.search(r"#[0-9a-f]{6}\b", line)
    }
    assert not strays


def test_every_icon_that_a_template_names_exists() -> None:
    known = set(re.findall(r'<symbol id="([\w-]+)"', (CSS.parent / "img/icons.svg").read_text(encoding="utf-8")))
    root = Path(settings.BASE_DIR) / "templates"
    used = {
        name
        for page in root.rglob("*.html")
        for name in re.findall(
            r"""(?:{% icon |\bwith icon=| icon=)["']([\w-]+)["']""", page.read_text(encoding="utf-8")
        )
    }
    assert used
    assert used <= known
