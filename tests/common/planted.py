"""Secrets that tests plant in errors, names and rows, and look for in what leaves."""

import html

SECRETS = (
    "lvq_live_3f0c1c1e7f1a4c639d554ad7d2d5a5f1",
    "sk_live_51HqLyjWDarjtT1zdp7dcPLANTED",
    "whsec_UExBTlRFRHBsYW50ZWRwbGFudGVk",
    "PlantedPassword4711",
)
WORDS = f"calling with {SECRETS[0]}, key={SECRETS[1]}, secret: {SECRETS[2]}; password={SECRETS[3]}"


def bare(text: str) -> str:
    """A text as its reader has it, without the signs and breaks that a page, Markdown or paper puts into long words."""
    return "".join(html.unescape(text).replace("\\", "").split())


def found_in(text: str) -> list[str]:
    """The secrets that its reader would see."""
    return [secret for secret in SECRETS if secret in bare(text)]
