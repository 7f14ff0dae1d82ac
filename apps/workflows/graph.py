"""The drawn graph of a definition: an SVG in our colours, and the same in words for those who can't see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.kinds import StepType
from apps.core.registry import registry

WIDTH, HEIGHT = 208, 56  # of a step's box
DOWN, ACROSS = 28, 18  # gaps between boxes
PAD, HEAD = 14, 20  # inside a loop's frame; room for a branch's label
LONGEST = 80  # characters of a box's text; the page shortens it to what fits in the reader's font
FITS = 560  # up to this width a graph may shrink to its column; a wider one is scrolled
ICONS = {"http", "transform", "delay", "email", "approval", "subflow", "notion", "branch", "foreach"}


@dataclass(frozen=True)
class Graph:
    """What `workflows/_graph.html` shows."""

    svg: SafeString
    outline: list["Words"]
    steps: int


@dataclass(frozen=True)
class Words:
    """A step in words, with what is inside of it."""

    text: str
    inside: list["Words"] = field(default_factory=list)


def draw(definition: Mapping[str, Any], lines: Mapping[str, int] | None = None) -> Graph:
    """The graph of a checked definition. `lines` says where in the text each step id stands (for the editor)."""
    painter = _Painter(lines or {})
    body = painter.sequence(definition["steps"])
    start = _start(definition)
    width, margin = max(body.width, start.width) + 2 * PAD, PAD
    parts = [start.svg(width / 2, margin), _arrow(width / 2, margin + start.height, DOWN)]
    top = margin + start.height + DOWN
    parts += [body.svg(width / 2, top), _line(width / 2, top + body.height, top + body.height + 16)]
    bottom = top + body.height + 22
    parts.append(f'<circle class="graph-end" cx="{width / 2:g}" cy="{bottom:g}" r="6"/>')
    height = bottom + 8 + margin
    label = escape(_("Graph of the steps; the list after it says the same in words."))
    fits = " fits" if width <= FITS else ""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    svg = f'<svg class="graph{fits}" {size} role="img" aria-label="{label}">{"".join(parts)}</svg>'
    return Graph(mark_safe(svg), outline(definition["steps"]), painter.count)  # noqa: S308 - texts are escaped below


def outline(steps: list[dict[str, Any]]) -> list[Words]:
    """The steps in words."""
    words = []
    for step in steps:
        inside = [
            Words(_("If %(condition)s") % {"condition": branch.get("name") or branch["when"]}, outline(branch["steps"]))
            for branch in step.get("branches", [])
        ]
        if step.get("otherwise"):
            inside.append(Words(_("Otherwise"), outline(step["otherwise"])))
        inside += outline(step.get("steps", []))
        told = ", ".join(filter(None, [type_label(step["type"]), detail(step)]))
        words.append(Words(f"{step.get('name') or step['id']}: {told}", inside))
    return words


def type_label(name: str) -> str:
    """A step type in words."""
    control = {"branch": _("Branch"), "foreach": _("For each")}
    known = registry(StepType).find(name)
    return control.get(name) or (str(known.label) if known else name)


def detail(step: Mapping[str, Any]) -> str:
    """What a step does, in a few words."""
    config = step.get("with", {})
    match step["type"]:
        case "http":
            address = str(config.get("url", ""))
            host = address if "{{" in address.split("/", 3)[-1] or "{{" in address else urlsplit(address).netloc
            path = address.rsplit("/", 1)[-1] if "{{" in host else ""
            return f"{config.get('method', 'GET')} {f'…/{path}' if path else host}".strip()
        case "delay":
            return str(config.get("for") or config.get("until") or "")
        case "approval":
            return _("asks %(who)s") % {"who": ", ".join(config.get("roles", ["owner", "admin"]))}
        case "email":
            to = config.get("to", "")
            return _("to %(who)s") % {"who": to if isinstance(to, str) else ", ".join(map(str, to))}
        case "subflow":
            return str(config.get("workflow", ""))
        case "notion":
            return str(config.get("action", "")).replace("_", " ")
        case "transform":
            return str(config.get("expression", ""))
        case "branch":
            count = len(step["branches"]) + bool(step.get("otherwise"))
            return ngettext("%(count)s way", "%(count)s ways", count) % {"count": count}
        case "foreach":
            return _("%(name)s in %(items)s") % {
                "name": step.get("as", "item"),
                "items": str(step.get("items", "")).strip("{} "),
            }
    return ""


class _Block:
    """Something with a size that can be put somewhere. Lines come in at the top centre and leave at the bottom."""

    width: float
    height: float

    def svg(self, x: float, y: float) -> str:
        """Markup with the top centre at (x, y)."""
        raise NotImplementedError


@dataclass
class _Node(_Block):
    title: str
    detail: str
    icon: str
    line: int
    width: float = WIDTH
    height: float = HEIGHT

    def svg(self, x: float, y: float) -> str:
        left = x - self.width / 2
        icon = f"{static('img/icons.svg')}#{self.icon if self.icon in ICONS else 'step'}"
        place = f' data-line="{self.line}"' if self.line else ""
        return (
            f'<g class="graph-node" transform="translate({left:g} {y:g})"{place}>'
            f"<title>{escape(self.title)} · {escape(self.detail)}</title>"
            f'<rect width="{self.width:g}" height="{self.height:g}" rx="9"/>'
            f'<use class="icon" href="{escape(icon)}" x="12" y="19" width="18" height="18"/>'
            f'<foreignObject x="40" y="2" width="{self.width - 46:g}" height="{self.height - 4:g}">'
            f'<div class="graph-words"><span class="graph-title">{escape(_short(self.title, LONGEST))}</span>'
            f'<span class="graph-detail">{escape(_short(self.detail, LONGEST))}</span></div></foreignObject></g>'
        )


@dataclass
class _Pill(_Block):
    text: str
    height: float = 28

    @property
    def width(self) -> float:  # type: ignore[override] # it follows from the text
        return max(72.0, len(self.text) * 7.4 + 28)

    def svg(self, x: float, y: float) -> str:
        return (
            f'<g class="graph-start"><rect x="{x - self.width / 2:g}" y="{y:g}" width="{self.width:g}"'
            f' height="{self.height:g}" rx="14"/><text x="{x:g}" y="{y + 18:g}" text-anchor="middle">'
            f"{escape(self.text)}</text></g>"
        )


@dataclass
class _Sequence(_Block):
    blocks: list[_Block]

    def __post_init__(self) -> None:
        self.width = max((block.width for block in self.blocks), default=WIDTH / 3)
        self.height = sum(block.height for block in self.blocks) + DOWN * max(len(self.blocks) - 1, 0)

    def svg(self, x: float, y: float) -> str:
        parts = []
        for number, block in enumerate(self.blocks):
            if number:
                parts.append(_arrow(x, y, DOWN))
                y += DOWN
            parts.append(block.svg(x, y))
            y += block.height
        return "".join(parts)


@dataclass
class _Branch(_Block):
    node: _Node
    ways: list[tuple[str, _Sequence]]

    def __post_init__(self) -> None:
        self.width = max(WIDTH, sum(way.width for _label, way in self.ways) + ACROSS * (len(self.ways) - 1))
        self.inner = max(way.height for _label, way in self.ways)
        self.height = HEIGHT + 16 + HEAD + DOWN + self.inner + 22

    def svg(self, x: float, y: float) -> str:
        parts = [self.node.svg(x, y), _line(x, y + HEIGHT, y + HEIGHT + 16)]
        fork, first = y + HEIGHT + 16, y + HEIGHT + 16 + HEAD + DOWN
        merge = first + self.inner + 22
        total = sum(way.width for _label, way in self.ways) + ACROSS * (len(self.ways) - 1)
        left = x - total / 2
        for label, way in self.ways:
            middle = left + way.width / 2
            parts += [
                f'<path class="graph-line" d="M{x:g} {fork:g}H{middle:g}V{fork + 4:g}"/>',
                (
                    f'<text class="graph-label" x="{middle:g}" y="{fork + 18:g}" text-anchor="middle">'
                    f"<title>{escape(label)}</title>{escape(_short(label, max(9, int(way.width / 6.4))))}</text>"
                ),
            ]
            if way.blocks:
                parts += [_arrow(middle, fork + HEAD + 4, DOWN - 4), way.svg(middle, first)]
                parts.append(f'<path class="graph-line" d="M{middle:g} {first + way.height:g}V{merge:g}H{x:g}"/>')
            else:
                parts.append(f'<path class="graph-line" d="M{middle:g} {fork + HEAD + 4:g}V{merge:g}H{x:g}"/>')
            left += way.width + ACROSS
        return "".join(parts)


@dataclass
class _Loop(_Block):
    node: _Node
    body: _Sequence

    def __post_init__(self) -> None:
        self.width = max(WIDTH, self.body.width) + 2 * PAD
        self.height = PAD + HEIGHT + DOWN + self.body.height + PAD

    def svg(self, x: float, y: float) -> str:
        left = x - self.width / 2
        return (
            f'<rect class="graph-frame" x="{left:g}" y="{y:g}" width="{self.width:g}" height="{self.height:g}"'
            f' rx="14"/>{self.node.svg(x, y + PAD)}{_arrow(x, y + PAD + HEIGHT, DOWN)}'
            f"{self.body.svg(x, y + PAD + HEIGHT + DOWN)}"
        )


class _Painter:
    """Turns steps into blocks."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        self.lines, self.count = lines, 0

    def sequence(self, steps: list[dict[str, Any]]) -> _Sequence:
        """Steps one after the other."""
        return _Sequence([self.block(step) for step in steps])

    def block(self, step: dict[str, Any]) -> _Block:
        """One step with what is inside of it."""
        self.count += 1
        told = " · ".join(filter(None, [type_label(step["type"]), detail(step)]))
        node = _Node(step.get("name") or step["id"], told, step["type"], self.lines.get(step["id"], 0))
        if step["type"] == "branch":
            ways = [(way.get("name") or way["when"], self.sequence(way["steps"])) for way in step["branches"]]
            return _Branch(node, [*ways, (_("otherwise"), self.sequence(step.get("otherwise", [])))])
        if step["type"] == "foreach":
            return _Loop(node, self.sequence(step["steps"]))
        return node


def _start(definition: Mapping[str, Any]) -> _Pill:
    triggers = definition.get("triggers", [])
    names = ", ".join(trigger["name"] for trigger in triggers)
    return _Pill(_short(names, 34) if names else _("By hand or API"))


def _line(x: float, top: float, bottom: float) -> str:
    return f'<path class="graph-line" d="M{x:g} {top:g}V{bottom:g}"/>'


def _arrow(x: float, top: float, length: float) -> str:
    tip = top + length - 1
    return (
        f'{_line(x, top, tip)}<path class="graph-tip" d="M{x - 4:g} {tip - 5:g}L{x:g} {tip:g}L{x + 4:g} {tip - 5:g}"/>'
    )


def _short(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
