"""Names of people and organizations: strangers read them in our mail, where nothing of them may become a link."""

import re
import unicodedata

from django.utils.translation import gettext as _
from tldextract import TLDExtract

from apps.core.errors import InvalidInputError

NAME_LENGTH = 120
# The list that came with the package: nothing is fetched, nothing is written.
_SUFFIXES = TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True).tlds
TOP_LEVEL_DOMAINS = frozenset(suffix.rpartition(".")[2] for suffix in _SUFFIXES)
_ADDRESS = re.compile(r"://|\bwww\.|\bmailto:|\w\.\w+/", re.IGNORECASE)
_LAST_LABEL = re.compile(r"(?<=[\w-])[.。]([^\W\d_]{2,}|xn--[\w-]+)(?![\w-])", re.IGNORECASE)
_SEPARATORS = re.compile(r"[.。:/\\@]+")


def looks_like_link(name: str) -> bool:
    """Whether a mail reader would make a link of a part of the name. “Node.js” and “A.B. Smith” are fine."""
    name = unicodedata.normalize("NFKC", name)
    if _ADDRESS.search(name):
        return True
    endings = (label.lower() for label in _LAST_LABEL.findall(name))
    return any(ending.startswith("xn--") or ending in TOP_LEVEL_DOMAINS for ending in endings)


def clean_name(name: str) -> str:
    """A name in one line of 1 to 120 printable characters. Raises `InvalidInputError`."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise InvalidInputError(_("The name has 1 to %(most)s printable characters.") % {"most": NAME_LENGTH})
    if looks_like_link(name):
        raise InvalidInputError(_("A name has no web address in it. Put a space after each dot."))
    return name


def harmless_name(name: str) -> str:
    """What is left of a name that nobody typed here (a login provider's, an address) and so nobody can correct."""
    name = "".join(character if character.isprintable() else " " for character in name)
    if looks_like_link(name):
        name = _SEPARATORS.sub(" ", unicodedata.normalize("NFKC", name))
    return " ".join(name.split())[:NAME_LENGTH].strip()
