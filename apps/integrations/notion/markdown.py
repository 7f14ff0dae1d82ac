"""Notion's blocks as Markdown: text, headings, lists, to-dos, quotes, code, callouts, tables, dividers, links.

What people wrote stays words: characters that mean something in Markdown are escaped. Whoever shows it still treats it
as a stranger's text. Blocks of other kinds leave no trace but what lies inside of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import LimitExceededError
from apps.integrations.notion.properties import plain

Block = Mapping[str, Any]
Children = Callable[[str], Iterable[Block]]

MOST_BLOCKS, MOST_DEPTH, MOST_CHARACTERS = 2_000, 8, 400_000
LANGUAGES = {"shell": "bash", "plain text": "", "javascript": "javascript", "typescript": "typescript"}
HEADINGS = {"heading_1": "## ", "heading_2": "## ", "heading_3": "### ", "heading_4": "#### "}  # "# " is the title
LISTED = ("bulleted_list_item", "numbered_list_item", "to_do")
MEDIA = ("image", "file", "pdf", "video", "audio", "bookmark", "embed", "link_preview")
SPECIAL = re.compile(r"([\\`*_\[\]<>|~])")
LINE_START = re.compile(r"^([ \t]*)(#{1,6}|[>+-]|\d{1,9}[.)]|=+)(?=\s|$|[-=:])", re.MULTILINE)
ADDRESS = re.compile(r"https?://[^\s<>()\"]+|mailto:[^\s<>()\"]+|/[^\s<>()\"/][^\s<>()\"]*|#[\w-]+")


def read_markdown(children: Children, page: str) -> str:
    """The text of a page. `children(id)` gives the blocks in a page or block. Raises `LimitExceededError`."""
    return _Reader(children).text(page)


class _Reader:
    """One page, and how much of it was read."""

    def __init__(self, children: Children) -> None:
        self._children, self._left = children, MOST_BLOCKS

    def text(self, page: str) -> str:
        made = self._blocks(page, 0).strip()
        if len(made) > MOST_CHARACTERS:
            raise LimitExceededError(_("The page has more than %(most)d characters.") % {"most": MOST_CHARACTERS})
        return f"{made}\n" if made else ""

    def _blocks(self, parent: str, depth: int) -> str:
        if depth > MOST_DEPTH:
            raise LimitExceededError(_("The page nests its blocks more than %(most)d deep.") % {"most": MOST_DEPTH})
        made, number, before = "", 0, ""
        for block in self._children(parent):
            self._left -= 1
            if self._left < 0:
                raise LimitExceededError(_("The page has more than %(most)d blocks.") % {"most": MOST_BLOCKS})
            kind = str(block.get("type", ""))
            number = number + 1 if kind == "numbered_list_item" else 0
            text = self._block(block, kind, number, depth).rstrip()
            if not text:
                continue
            together = kind in LISTED and before == kind
            made += ("\n" if together else "\n\n") + text if made else text
            before = kind
        return made

    def _block(self, block: Block, kind: str, number: int, depth: int) -> str:
        own: Mapping[str, Any] = block.get(kind) or {}
        words = _rich(own.get("rich_text"))
        if kind == "code":
            return _code(own)
        if kind == "table":
            return self._table(block, own, depth)
        if kind == "divider":
            return "---"
        if kind == "equation":
            return f"`{str(own.get('expression', '')).replace('`', '')}`"
        if kind in MEDIA:
            return _media(own)
        inside = self._blocks(str(block["id"]), depth + 1) if block.get("has_children") else ""
        if kind in HEADINGS:
            return _joined(f"{HEADINGS[kind]}{_one_line(words)}" if words else "", inside)
        if kind in LISTED:
            return _item(kind, own, number, words, inside)
        if kind in ("quote", "callout"):
            return _prefixed(_joined(words, inside), "> ")
        return _joined(words, inside)

    def _table(self, block: Block, own: Mapping[str, Any], depth: int) -> str:
        rows = []
        for row in self._children(str(block["id"])) if block.get("has_children") else ():
            self._left -= 1
            cells = (row.get("table_row") or {}).get("cells") or []
            rows.append([_one_line(_rich(cell)) for cell in cells])
        if not rows:
            return ""
        width = max(len(cells) for cells in rows)
        head = rows.pop(0) if own.get("has_column_header") else [""] * width
        lines = [_row(head, width), _row(["---"] * width, width), *(_row(cells, width) for cells in rows)]
        return "\n".join(lines)


def _row(cells: list[str], width: int) -> str:
    return f"| {' | '.join(cells + [''] * (width - len(cells)))} |"


def _item(kind: str, own: Mapping[str, Any], number: int, words: str, inside: str) -> str:
    mark = f"{number}. " if kind == "numbered_list_item" else "- "
    done = ("[x] " if own.get("checked") else "[ ] ") if kind == "to_do" else ""
    space = " " * len(mark)
    first = mark + done + words.replace("\n", f"  \n{space}")
    return f"{first}\n{_prefixed(inside, space)}" if inside else first


def _code(own: Mapping[str, Any]) -> str:
    code = plain(own.get("rich_text"))
    language = str(own.get("language") or "")
    name = LANGUAGES.get(language, re.sub(r"[^a-z0-9+#-]", "", language.lower()))
    fence = "`" * max(3, max((len(run) for run in re.findall(r"`+", code)), default=0) + 1)
    note = _one_line(plain(own.get("caption"))).replace("`", "")
    return f"{fence}{name}{f' {note}' if note and name else ''}\n{code}\n{fence}"


def _media(own: Mapping[str, Any]) -> str:
    """A link. Files that lie at Notion have addresses that are good for an hour: of those the caption stays."""
    caption = _one_line(_rich(own.get("caption")))
    address = _address(own.get("url") or (own.get("external") or {}).get("url"))
    return f"[{caption or address}]({address})" if address else caption


def _rich(parts: Any) -> str:
    made = ""
    for part in parts or ():
        words = _part(part)
        if words.startswith("[") and made.endswith("!"):  # together they would be an image
            made = f"{made[:-1]}\\!"
        made += words
    return made


def _part(part: Mapping[str, Any]) -> str:
    words = str(part.get("plain_text", ""))
    looks, address = part.get("annotations") or {}, _address(part.get("href"))
    inner = words.strip()
    if not inner:
        return words
    before, after = words[: words.index(inner)], words[words.index(inner) + len(inner) :]
    if looks.get("code"):
        ticks = "`" * (max((len(run) for run in re.findall(r"`+", inner)), default=0) + 1)
        pad = " " if inner[0] == "`" or inner[-1] == "`" else ""
        made = f"{ticks}{pad}{inner}{pad}{ticks}"
    else:
        made = LINE_START.sub(_kept_words, SPECIAL.sub(r"\\\1", inner))
    for look, mark in (("bold", "**"), ("italic", "*")):
        made = f"{mark}{made}{mark}" if looks.get(look) else made
    return f"{before}[{made}]({address}){after}" if address else f"{before}{made}{after}"


def _kept_words(found: re.Match[str]) -> str:
    """What would begin a heading, a list or a quote does not."""
    mark = found[2]
    return f"{found[1]}{mark[:-1]}\\{mark[-1]}" if mark[0].isdigit() else f"{found[1]}\\{mark}"


def _address(value: Any) -> str:
    text = str(value or "")
    return text if len(text) <= 2_000 and ADDRESS.fullmatch(text) else ""


def _one_line(words: str) -> str:
    return " ".join(words.split())


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _prefixed(text: str, prefix: str) -> str:
    return "\n".join(f"{prefix}{line}".rstrip() for line in text.split("\n"))
