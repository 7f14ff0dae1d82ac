"""The guides under /dev: Markdown files in `docs/dev`, each with a title and numbered for their order, and pages that
people write at Notion, which may stand in the place of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.core.cache import cache as cache_of_pages
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import get_language
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from apps.core.brand import current_brand
from apps.core.problem_types import problem_types
from apps.core.templatetags.levqor import highlight
from apps.developers.models import NotionGuide

FOLDER = Path(settings.BASE_DIR) / "docs" / "dev"
EXAMPLE_SITE = "https://levqor.example"
PROBLEM_TYPES = "{{ problem_types }}"
COLOURED = {"bash", "json", "yaml", "python", "javascript", "http"}
RUNNING = {"bash", "python", "javascript"}
PAGES_KEPT = 200
LAST = 1_000.0
KEPT_GUIDES, KEPT_SECONDS, MOST_FROM_NOTION = "developers.guides_from_notion", 60, 200


@dataclass(frozen=True)
class Snippet:
    """Code of a guide. What is `runs` does run as it stands, given a key and an address in the environment."""

    language: str
    code: str
    runs: bool


@dataclass(frozen=True)
class Guide:
    """One guide, as it is written: `source` begins with the title."""

    slug: str
    title: str
    source: str
    position: float = 0.0

    @property
    def snippets(self) -> list[Snippet]:
        """The code in it, in order."""
        found = []
        for token in _tokens(self.source):
            if token.type == "fence":
                language, _space, note = token.info.partition(" ")
                found.append(Snippet(language, token.content, language in RUNNING and not note))
        return found

    @property
    def headings(self) -> list[tuple[str, str]]:
        """The second-level headings: (id, text)."""
        return list(_headings(self.source))

    def html(self) -> SafeString:
        """The guide as HTML, without its title. It names the address of this installation."""
        return _html(self.source, current_brand().site_url, get_language())


@lru_cache(maxsize=PAGES_KEPT)
def _headings(source: str) -> tuple[tuple[str, str], ...]:
    """Read once for each text, as its HTML is."""
    tokens = _tokens(source)
    texts = [after.content for token, after in pairwise(tokens) if token.type == "heading_open" and token.tag == "h2"]
    return tuple((slugify(text), text) for text in texts)


def _tokens(source: str) -> list[Token]:
    return _markdown().parse(source)


@lru_cache(maxsize=PAGES_KEPT)
def _html(source: str, site_url: str, _language: str | None) -> SafeString:
    """Made once for each address and language (that of the labels): everybody may ask, as often as they like."""
    made = _markdown().render(source.split("\n", 1)[1].replace(EXAMPLE_SITE, site_url))
    if PROBLEM_TYPES in made:
        # Their values, not the classes: a template calls what it can, and some want arguments.
        kinds = [(code, kind.status, kind.title) for code, kind in sorted(problem_types().items())]
        table = render_to_string("developers/docs/problem_types.html", {"kinds": kinds})
        made = made.replace(f"<p>{PROBLEM_TYPES}</p>", table)
    html: SafeString = mark_safe(made)  # noqa: S308 - our own files; HTML in Markdown is shown as text
    return html


def guides() -> dict[str, Guide]:
    """All guides by slug, in their order. A page of Notion's without an order takes that of what it replaces, or is
    among the last."""
    found = dict(our_guides())
    for slug, title, position, source in _from_notion():
        place = (found[slug].position if slug in found else LAST) if position is None else position
        found[slug] = Guide(slug, title, source, place)
    return dict(sorted(found.items(), key=lambda item: (item[1].position, item[1].title)))


@cache
def our_guides() -> dict[str, Guide]:
    """Those in files, by slug, in their order."""
    found = {}
    for path in sorted(FOLDER.glob("*.md")):
        source = path.read_text()
        number, _dash, slug = path.stem.partition("-")
        found[slug] = Guide(slug, source.split("\n", 1)[0].removeprefix("# "), source, float(number))
    return found


def _from_notion() -> list[tuple[str, str, float | None, str]]:
    """What is published there, remembered for a minute."""
    kept: list[tuple[str, str, float | None, str]] | None = cache_of_pages.get(KEPT_GUIDES)
    if kept is None:
        published = NotionGuide.objects.filter(published=True).exclude(slug="")[:MOST_FROM_NOTION]
        kept = list(published.values_list("slug", "title", "position", "source"))
        cache_of_pages.set(KEPT_GUIDES, kept, KEPT_SECONDS)
    return kept


def render(source: str) -> str:
    """The HTML of a guide's text; raises where it can't be made."""
    return _html(source, EXAMPLE_SITE, get_language())


class _Renderer(RendererHTML):
    """Headings with ids; tables and code as our pages have them."""

    def heading_open(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        """A heading that a link can lead to."""
        return f'<{tokens[index].tag} id="{slugify(tokens[index + 1].content)}">'

    def table_open(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        """A table that scrolls where it is too wide."""
        return '<div class="scroll" tabindex="0"><table class="table">'

    def table_close(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        """Its end."""
        return "</table></div>"

    def fence(self, tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        """Code, coloured, with a button that copies it."""
        language = tokens[index].info.partition(" ")[0]
        code = tokens[index].content.rstrip("\n")
        coloured = highlight(code, language if language in COLOURED else "text")
        return render_to_string("developers/docs/code.html", {"code": code, "coloured": coloured})


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
