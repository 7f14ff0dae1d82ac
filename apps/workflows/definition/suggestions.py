"""What somebody who made a typing mistake probably meant, and what there is."""

import difflib
from collections.abc import Iterable
from heapq import nlargest, nsmallest
from itertools import islice

from django.utils.translation import gettext as _

LONGEST = 80
NEAR = 0.7
MOST_COMPARED = 200  # names that are looked at for one mistake
MOST_LIKELY = 5  # of them, those that are compared letter by letter: milliseconds each, where letters repeat
MOST_LISTED = 20


def suggested(message: str, word: object, known: Iterable[str]) -> str:
    """The message, with the known name that is nearest to the word where one is near."""
    near = difflib.get_close_matches(str(word), _likely(str(word), known), 1, NEAR) if len(str(word)) <= LONGEST else []
    if not near:
        return message
    return _("%(message)s Did you mean “%(name)s”?") % {"message": message, "name": near[0]}


def one_of(known: Iterable[str], none: str = "") -> str:
    """The first of the known names in a list; `none` where there are none."""
    names = nsmallest(MOST_LISTED + 1, known)
    shown = [name[:LONGEST] for name in names[:MOST_LISTED]] + ["…"] * (len(names) > MOST_LISTED)
    return _("one of %(names)s") % {"names": ", ".join(shown) or none}


def _likely(word: str, known: Iterable[str]) -> list[str]:
    """The names that have most letters in common with the word, in any order."""
    matcher = difflib.SequenceMatcher(None, b=word)
    ratios = {}
    for name in islice(known, MOST_COMPARED):
        matcher.set_seq1(name)
        if matcher.real_quick_ratio() >= NEAR:
            ratios[name] = matcher.quick_ratio()
    return nlargest(MOST_LIKELY, ratios, key=ratios.__getitem__)
