"""Secrets that are known by their shape, wherever they stand.

Each shape has a mark, without which it is not looked for, and an expression that begins with plain characters and ends
where it has taken all it can: none looks twice at the same part of a text that was made for it.
"""

import re

_ANY = "[A-Za-z0-9_.+/=-]"
_HOOKS = (
    r"(hooks\.slack\.com/(?:services|workflows|triggers)/|hooks\.zapier\.com/hooks/|webhook\.office\.com/"
    r"|/webhooks/[0-9]{6,25}/)[^\s\"'<>]{12,}+"
)


Shape = tuple[str, re.Pattern[str], str]  # a mark, the form, and what stays before what is removed


def _shapes(*pairs: tuple[str, str]) -> tuple[Shape, ...]:
    compiled = ((mark, re.compile(form)) for mark, form in pairs)
    return tuple((mark, form, r"\g<1>" if form.groups else "") for mark, form in compiled)


WITH_LINES = _shapes(
    ("k_live_", r"[srp]k_live_[A-Za-z0-9]{8,}+"),
    ("k_test_", r"[srp]k_test_[A-Za-z0-9]{8,}+"),
    ("lvq_", rf"lvq_{_ANY}{{12,}}+"),
    ("whsec_", rf"whsec_{_ANY}{{12,}}+"),
    ("secret_", r"secret_(?=[a-z]*+[A-Z0-9])[A-Za-z0-9]{12,}+"),  # Notion's, Stripe's of clients
    ("re_", r"re_(?<![A-Za-z0-9_]re_)(?=[a-z_]*+[A-Z0-9])[A-Za-z0-9_]{12,}+"),
    ("ntn_", rf"ntn_(?<![A-Za-z0-9]ntn_){_ANY}{{12,}}+"),
    *((f"gh{kind}_", rf"gh{kind}_(?<![A-Za-z0-9]gh{kind}_){_ANY}{{12,}}+") for kind in "opsur"),
    ("github_pat_", rf"github_pat_{_ANY}{{12,}}+"),
    ("npm_", r"npm_[A-Za-z0-9]{20,}+"),
    ("hf_", r"hf_(?<![A-Za-z0-9]hf_)[A-Za-z0-9]{20,}+"),
    ("shp", r"shp(?:at|ca|pa|ss)_[A-Za-z0-9]{16,}+"),
    ("_v1_", r"do[opr]_v1_[A-Za-z0-9]{16,}+"),
)
WITH_DASHES = _shapes(
    ("sk-", r"sk-(?<![A-Za-z0-9]sk-)[A-Za-z0-9_-]{20,}+"),  # OpenAI and its like
    ("glpat-", rf"glpat-{_ANY}{{12,}}+"),
    ("xox", r"xox[abeoprs]-[A-Za-z0-9_.+/=-]{12,}+"),
    ("xapp-", rf"xapp-{_ANY}{{12,}}+"),
    ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{10,}+"),
)
OTHERS = _shapes(
    ("AKIA", r"AKIA(?<![A-Za-z0-9]AKIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("ASIA", r"ASIA(?<![A-Za-z0-9]ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("SK", r"SK(?<![A-Za-z0-9]SK)[0-9a-f]{32}(?![A-Za-z0-9])"),  # Twilio's
    ("AIza", r"AIza[A-Za-z0-9_-]{30,}+"),
    ("SG.", rf"SG\.(?<![A-Za-z0-9]SG\.){_ANY}{{12,}}+"),
    ("ya29.", r"ya29\.[A-Za-z0-9_.-]{16,}+"),
    ("eyJ", r"eyJ(?<![A-Za-z0-9]eyJ)[A-Za-z0-9_.+/=%-]{12,}+"),  # JSON in base64: JWTs and more
    ("gAAAA", r"gAAAA(?<![A-Za-z0-9]gAAAA)[A-Za-z0-9_=-]{40,}+"),
    ("hook", _HOOKS),
    (":", r"(:)(?<=[0-9]{8}:)[A-Za-z0-9_-]{30,}+"),  # a bot of Telegram's
    ("%3A", r"(%3A)(?<=[0-9]{8}%3A)[A-Za-z0-9_-]{30,}+"),
)

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_OF_KEYS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\\r\n"
_ADDRESS = re.compile(r"(?<=://)(?>(?:[^\s\"'<>:]++|[\"'<>](?=\w)|:(?!//))*)")
_AUTHORITY_ENDS = re.compile(r"[/?#]")
SHORTEST = 15  # of all these shapes
LONGEST_USER = 7  # who logs in without a password: "git", "deploy"; what is longer is a token


def without_shapes(text: str, removed: str) -> str:
    """The text with `removed` instead of what is a secret by its shape."""
    if len(text) >= SHORTEST:
        text = _without(OTHERS, text, removed)
        if "_" in text:
            text = _without(WITH_LINES, text, removed)
        if "-" in text:
            text = _without(WITH_DASHES, text, removed)
    if "@" in text and "://" in text:
        text = _ADDRESS.sub(lambda found: _without_password(found[0], removed), text)
    return text


def _without(shapes: tuple[Shape, ...], text: str, removed: str) -> str:
    for mark, form, stays in shapes:
        if mark in text:
            text = form.sub(f"{stays}{removed}", text)
    return text


def _without_password(address: str, removed: str) -> str:
    """An address, from after its `://`, without who asks. A password may have slashes and an @ itself: what stands
    before the first slash is no host and port then."""
    end = address.rfind("@")
    if end < 0:
        return address
    stop = _AUTHORITY_ENDS.search(address)
    authority = address[: stop.start()] if stop else address
    user, colon, rest = authority.partition(":")
    if colon and not user.startswith("[") and not (rest.isdecimal() and len(rest) <= 5 and "@" not in authority):
        return f"{removed}{address[end:]}"
    end = authority.rfind("@")
    return f"{removed}{address[end:]}" if end > LONGEST_USER else address


def without_private_keys(text: str, removed: str) -> str:
    """The text without keys in PEM's form. One that was cut off goes as far as the text does."""
    if "PRIVATE KEY" not in text:
        return text
    parts: list[str] = []
    at = 0
    while True:
        begins = _KEY_BEGINS.search(text, at)
        before = text[at : begins.start()] if begins else text[at:]
        parts.append(_without_ends(before, removed))
        if begins is None:
            break
        parts.append(removed)
        ends = _KEY_ENDS.search(text, begins.end())
        if ends is None:
            break
        at = ends.end()
    return "".join(parts)


def _without_ends(text: str, removed: str) -> str:
    """The same for keys whose beginning was cut off."""
    parts: list[str] = []
    at = 0
    for ends in _KEY_ENDS.finditer(text):
        parts += text[at : ends.start()].rstrip(_OF_KEYS), removed
        at = ends.end()
    return "".join([*parts, text[at:]])
