"""Which names secrets go by, in data and in text, and which part of a text is the value of one.

A name is looked for by `str.find`, and what follows it by an expression that begins right there, keeps what it took
(`*+`) and accepts any end. So the work grows with the text, whatever somebody writes.
"""

import re
from collections.abc import Iterator

ANYWHERE = ("passw", "passphrase", "pwd", "secret", "token", "credential", "cookie", "authorization")  # in longer names
OF_KEYS = ("api", "private", "access", "account", "signing", "encryption", "shared")  # before "key"
AT_END = ("session", "sessid", "signature")  # "sessions" and "signature_valid" are figures
ALONE = ("auth", "sig", "pass", "sid")  # too short to be looked for in longer names
HEADERS = ("cookie", "authorization")  # hold all to the end of their line
SCHEMES = ("bearer", "basic")
IN_QUERIES = ("key", "code")
EMPTY = ('""', "''")

SECRET_NAME = re.compile(
    rf"""
      {"|".join(ANYWHERE)}
    | (?: {"|".join(OF_KEYS)} ) [_-]? key
    | (?: {"|".join(AT_END)} ) (?: [_-]? (?: id | key ) )? $
    | ^ (?: {"|".join(ALONE)} ) $
    """,
    re.IGNORECASE | re.VERBOSE,
)

# Below, groups are atomic and never possessive: Python before 3.11.5, Debian 12's too, goes back into those that are
# (python/cpython#106052), and the rest of a secret stays.
# Three quotes hold lines, up to the next three or the end of it all: none of the text is looked at twice.
_QUOTED = r""" (?> [bfru]{0,2} (?P<escape> \\{0,7} )
               (?: (?P<three> "{3} | '{3} ) (?s: .*? ) (?: (?<! \\ ) (?P=escape) (?P=three) | \Z )
                 | (?P<quote> ["'] ) [^\n]*? (?: (?<! \\ ) (?P=escape) (?P=quote) | (?= \n ) | \Z ) ) ) """
# A bracket with texts, over lines, up to the next that opens or closes. One that stands in quotes for another takes
# their end for a beginning, and fails in its own line: so no lines are looked at by both.
_TEXTS = r""" [\[({] (?> (?: [^"'()\[\]{}]{0,200}+ (?: "[^"\n]*+" | '[^'\n]*+' ) ){1,200} )
              [^"'()\[\]{}]{0,200}+ [\]})] """
# YAML's: a mark, and the lines that are as far in as the first, with empty ones between them.
_MARK = r" [|>] [1-9+-]{0,2} [ \t\r]*+ (?: \# [^\n]*+ )? \n "
_BLOCK = rf""" {_MARK} (?: (?> (?: [ \t\r]*+ \n )* ) (?P<indent> [ \t]++ ) [^\n]++
                   (?> (?: (?> (?: \n [ \t\r]*+ (?= \n ) )* ) \n (?P=indent) [^\n]++ )* ) | [^\n]++ ) """
# What would end a value ends it only where it looks like an end: passwords have commas and brackets, too.
_PLAIN = r""" (?: [^\s&,;)}\]"'<>\\`] | & (?! [\w.%\[\]-]{1,60} = ) | [,;] (?! [\w.-]{1,60} [=:] | ["'\s] | \Z )
              | [)}\]"'<>\\`] (?= [A-Za-z0-9] ) ) """
_VALUE = rf""" (?: {_QUOTED} | {_TEXTS} | {_BLOCK}
    | [\[({{] [^\n\]}})]*+ [\]}})]?
    | (?! (?: null | none | true | false ) (?: [.!?:…]*+ (?! {_PLAIN} ) | \\[nrt] ) )
      (?: (?: bearer | basic | token | bot | apikey ) [ \t]++ )? (?> {_PLAIN}{{3,}} ) ) """
_CLOSED = r' (?: ["\'\\\]]{1,8}+ | %(?:25){0,3}(?:22|27|5D) | &quot; | &\#(?:x27|39); )? '  # what closes a name
_MEANS = r" (?: :=? | =[=>]? | [：＝] | %(?:25){0,3}3[AD] )"
_FIGURE = r""" (?: s | s?_ (?: count | used | left | limit | total | age | ttl | seconds | minutes | days | ms ) )
               ["']? \s{0,2} [:=] \s{0,2} [0-9]{1,12} (?! [\w-] ) """


def _form(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.VERBOSE)


_AFTER = _form(
    rf"(?! {_FIGURE} ) [\w-]{{0,60}}+ (?: {_CLOSED} \s*+ {_MEANS} \s*+ | > (?! [\s<] ) ) (?P<value> {_VALUE} )"
)
_AFTER_END = _form(rf"(?: [_-]? (?: id | key ) )? {_CLOSED} [ \t]*+ {_MEANS} [ \t]*+ (?P<value> {_VALUE} )")
_HEADER = _form(rf"[ \t]*+ : [ \t]*+ (?! [bfru]? \\* [\"'] | [\[({{] | {_MARK} ) (?P<value> [^\n]{{3,}}+ )")
_NAME_AND = r"""[\w-]{{0,60}}+ \\{{0,7}} ["'] \s*+ , \s*+ \\{{0,7}} ["'] (?: {} ) \\{{0,7}} ["'] \s*+ : \s*+ """
_NAME_AND_VALUE, _NAME_AND_WORDS = (
    _form(rf"{_NAME_AND.format(member)} (?P<value> {_VALUE} )")
    for member in ("val(?:ue)?", "val(?:ue)? | content | text")
)
_PAIR = _form(rf"""[\w-]{{0,60}}+ \\{{0,7}} ["'] \s*+ , \s*+ (?P<value> {_QUOTED} ) (?= \s*+ [)\]] )""")
_PAIR_BEFORE = _form(r"""[(\[] \s? b? \\{0,7} ["'] [\w-]* \Z""")
_OPTION = _form(rf"[\w-]{{0,60}}+ [ \t]++ (?! - ) (?P<value> {_VALUE} )")
_OPTION_BEFORE = _form(r"(?<! [\w-] ) -- [\w-]* \Z")
_IN_QUERY = _form(rf"= (?P<value> (?> {_PLAIN}{{16,}} ) )")
_ALONE = _form(rf"= (?! \[ ) (?P<value> {_QUOTED} | (?> {_PLAIN}{{8,}} ) )")
_SCHEME = {
    "bearer": _form(r"(?: \s++ | %20 ) (?! authenti | authori ) (?P<value> [A-Za-z0-9._~+/=%-]{12,}+ )"),
    # "basic authentication" is no secret: letters of both kinds in between, or a figure, make one
    "basic": re.compile(r"(?:\s++|%20)(?P<value>(?=[A-Za-z]?[a-z._~-]*+[A-Z0-9=+/])[A-Za-z0-9._~+/=%-]{12,}+)"),
}
_WORD = re.compile(r"[A-Za-z]?[a-z]{0,19}[.!?:]*")
_NEAR = 80  # characters before a name that are looked at


def named_values(text: str) -> list[tuple[int, int]]:
    """Where values stand that are named like secrets: from and to, in order; they may overlap."""
    low = text.lower()
    if len(low) != len(text):  # one letter gets longer, and all after it would be elsewhere
        low = text.replace("İ", "I").lower()
    found: list[tuple[int, int]] = []
    for word in SCHEMES:
        if word in low:
            found += _all(text, low, word, (_SCHEME[word],))
    if _may_name(text):
        for word in ANYWHERE:
            if word in low:
                found += _named(text, low, word)
        for word in AT_END:
            if word in low:
                found += (span for span in _all(text, low, word, _ENDS) if not _WORD.fullmatch(text, *span))
        if "key" in low:
            found += _named(text, low, "key")
        if "=" in text:
            for word in (*ALONE, *IN_QUERIES):
                if f"{word}=" in low:
                    found += _short(text, low, word)
    found.sort()
    return found


def _may_name(text: str) -> bool:
    """Whether anything stands in it that stands between a name and its value."""
    return (
        ":" in text
        or "=" in text
        or ">" in text
        or "--" in text
        or "'," in text
        or '",' in text
        or "%3" in text
        or "%25" in text  # a percent sign that is encoded itself
        or "：" in text
        or "＝" in text
    )


_ENDS = (_AFTER_END, _NAME_AND_VALUE)
_ANY = (_AFTER, _NAME_AND_WORDS)


def _all(text: str, low: str, word: str, forms: tuple[re.Pattern[str], ...]) -> Iterator[tuple[int, int]]:
    """The values after each place of a word. What was taken is not looked at again."""
    at = low.find(word)
    while at >= 0:
        end = at + len(word)
        for form in forms:
            if match := form.match(text, end):
                yield (at if word in SCHEMES else match.start("value")), match.end()  # a scheme goes along
                end = match.end()
                break
        at = low.find(word, end)


def _named(text: str, low: str, word: str) -> Iterator[tuple[int, int]]:
    forms = (_HEADER, *_ANY) if word in HEADERS else _ANY
    at = low.find(word)
    while at >= 0:
        end = at + len(word)
        if word != "key" or low[max(at - 12, 0) : at].rstrip("_-").endswith(OF_KEYS):
            match = next((match for form in forms if (match := form.match(text, end))), None) or _paired(text, at, end)
            if match and match["value"] not in EMPTY:
                yield match.span("value")
                end = match.end()
        at = low.find(word, end)


def _paired(text: str, at: int, end: int) -> re.Match[str] | None:
    """`('password', '…')`, or `--password …`: what stands before the name says so, and is looked at first."""
    near = max(at - _NEAR, 0)
    if text.find(",", end, end + _NEAR) >= 0 and _PAIR_BEFORE.search(text, near, at):
        return _PAIR.match(text, end)
    if text.find("--", near, at) >= 0 and _OPTION_BEFORE.search(text, near, at):
        return _OPTION.match(text, end)
    return None


def _short(text: str, low: str, word: str) -> Iterator[tuple[int, int]]:
    mark = f"{word}="
    form, before = (_IN_QUERY, "?&") if word in IN_QUERIES else (_ALONE, "")
    at = low.find(mark)
    while at >= 0:
        end = at + len(word)
        last = low[at - 1] if at else " "
        stands_well = last in before if before else not last.isalnum()
        if stands_well and (match := form.match(text, end)):
            yield match.span("value")
            end = match.end()
        at = low.find(mark, end)
