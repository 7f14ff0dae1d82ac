"""The fake's page: what it holds."""

from html import escape

from apps.integrations.notion.fake import checking
from apps.integrations.notion.fake.checking import Object
from apps.integrations.notion.fake.world import World

SHOWN = 50
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
.notice { border-left: 4px solid #b7791f; padding: .5rem 1rem; background: #b7791f22; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid #8886; vertical-align: top; }
th { font-weight: 600; white-space: nowrap; } td { max-width: 24rem; overflow-wrap: anywhere; }
small { color: #777; }
"""


def overview(world: World) -> str:
    """All tables with their latest rows."""
    sources = [one for one in world.sources.values() if not one["in_trash"]]
    parts = [_table(world, one) for one in sorted(sources, key=lambda one: checking.plain(one["title"]))]
    content = "".join(parts) or "<p>Nothing yet: run <code>manage.py provision_notion</code>.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Fake Notion</title><style>{_STYLE}</style><h1>Fake Notion</h1>"
        '<p class="notice">Not Notion: it lies in the memory of this process, and is gone when it ends.</p>'
        f"{content}</html>"
    )


def _table(world: World, source: Object) -> str:
    pages = [world.pages[page] for page in world.rows[source["id"]]]
    there = [page for page in pages if not page["in_trash"]]
    names = list(source["properties"])
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(_row(page, names) for page in reversed(there[-SHOWN:]))
    told = f"{len(there)} rows, {len(pages) - len(there)} in the trash"
    return (
        f"<h2>{escape(checking.plain(source['title']))} <small>{told}</small></h2>"
        f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _row(page: Object, names: list[str]) -> str:
    cells = "".join(f"<td>{escape(_words(page['properties'][name]))}</td>" for name in names)
    return f"<tr>{cells}</tr>"


def _words(value: Object) -> str:
    told = value[value["type"]]
    if value["type"] in ("title", "rich_text"):
        return checking.plain(told)
    if isinstance(told, dict):
        return str(told.get("name") or told.get("start") or "")
    return "" if told is None else str(told)
