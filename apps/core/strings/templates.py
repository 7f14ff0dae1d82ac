"""Templates: what is left of the text when all that is marked, computed or code is taken out."""

import re
from html.parser import HTMLParser

from django.template.base import Lexer, Token, TokenType

from apps.core.strings.finding import Finding, excused_lines, has_words, shortened

READ_ALOUD = {"placeholder", "title", "aria-label", "aria-description", "aria-placeholder", "alt", "data-confirm"}
CODE = {"script", "style", "code", "pre", "kbd", "samp", "svg", "textarea"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
CLOSED_BY = {"blocktranslate": "endblocktranslate", "blocktrans": "endblocktrans", "comment": "endcomment"}
CLASS_BLOCK = re.compile(r"block \w+_class\b")  # fills an attribute
COPIED = re.compile(r"""include ["'][\w/]*copy\.html""")  # offers code to copy
CHOSEN_ELEMENT = re.compile(r"</?0[^<>]*>")  # <{% if url %}a href="…"{% else %}div{% endif %}>
SPOKEN_ARGUMENT = re.compile(
    r"""\b(title|label|text|hint|message|heading|placeholder|description|caption|empty|action)=(["'])(.*?)\2"""
)


def unmarked_in_template(source: str, *, html: bool = True) -> list[Finding]:
    """Unmarked texts of a template; `html=False` for plain text such as mail."""
    rest, found = _without_marked(source)
    if html:
        reader = _Reader()
        reader.feed(rest)
        reader.close()
        found += reader.found
    else:
        found += [
            Finding(number, shortened(line))
            for number, line in enumerate(rest.splitlines(), start=1)
            if has_words(line)
        ]
    excused = excused_lines(source)
    return sorted(finding for finding in set(found) if finding.line not in excused)


def _without_marked(source: str) -> tuple[str, list[Finding]]:
    """The source with tags, variables and marked text replaced by spaces, and literals given to included templates."""
    parts: list[str] = []
    found: list[Finding] = []
    closing = ""
    for token in Lexer(source).tokenize():
        name = token.contents.split(maxsplit=1)[0] if token.token_type == TokenType.BLOCK and token.contents else ""
        if closing:
            closing = "" if name == closing else closing
            parts.append(_blank(token))
            continue
        closing = "endblock" if CLASS_BLOCK.match(token.contents) else CLOSED_BY.get(name, "")
        if token.token_type == TokenType.TEXT:
            parts.append(token.contents)
            continue
        parts.append(_blank(token))
        if name == "include" and not COPIED.match(token.contents):
            found += [
                Finding(token.lineno or 0, shortened(text))
                for _argument, _quote, text in SPOKEN_ARGUMENT.findall(token.contents)
                if has_words(text) and " " in text
            ]
    return CHOSEN_ELEMENT.sub(lambda tag: "\n" * tag[0].count("\n"), "".join(parts)), found


def _blank(token: Token) -> str:
    """As many lines as the token has, so that positions stay; a digit, so that an attribute keeps a value."""
    return "0" + "\n" * token.contents.count("\n")


class _Reader(HTMLParser):
    """Collects what a person would read or hear."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Finding] = []
        self._code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if not self._code:
            for name in READ_ALOUD & given.keys():
                self._note(given[name] or "")
            if tag == "input" and given.get("type") in ("submit", "button"):
                self._note(given.get("value") or "")
        if tag not in VOID and (self._code or tag in CODE or given.get("translate") == "no"):
            self._code.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._code and tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._code:
            while self._code.pop() != tag:
                continue

    def handle_data(self, data: str) -> None:
        if self._code:
            return
        first = self.getpos()[0]
        for offset, line in enumerate(data.splitlines()):
            self._note(line, first + offset)

    def _note(self, text: str, line: int = 0) -> None:
        if has_words(text):
            self.found.append(Finding(line or self.getpos()[0], shortened(text)))
