"""Blocks as Markdown, and that what people wrote stays words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from apps.core.errors import LimitExceededError
from apps.integrations.notion.markdown import MOST_BLOCKS, read_markdown

Blocks = list[dict[str, Any]]


def rich(*parts: Any) -> list[dict[str, Any]]:
    """Rich text of words, or of (words, looks, link)."""
    found = []
    for part in parts:
        words, looks, link = part if isinstance(part, tuple) else (part, {}, None)
        found.append({"plain_text": words, "annotations": looks, "href": link})
    return found


def block(kind: str, *words: Any, inside: Blocks | None = None, **own: Any) -> dict[str, Any]:
    """A block as Notion tells it."""
    own = {"rich_text": rich(*words), **own} if words else own
    return {"id": f"b{id(own)}", "type": kind, kind: own, "has_children": bool(inside), "_inside": inside or []}


def read(*blocks: dict[str, Any]) -> str:
    """The Markdown of these."""
    known: dict[str, Blocks] = {"page": list(blocks)}

    def note(some: Blocks) -> None:
        for one in some:
            known[one["id"]] = one["_inside"]
            note(one["_inside"])

    note(list(blocks))
    return read_markdown(known.__getitem__, "page")


def test_every_kind() -> None:
    cells = [block("table_row", cells=[rich("a"), rich("b|c")]), block("table_row", cells=[rich("1")])]
    made = read(
        block("heading_1", "One"),
        block("heading_2", "Two"),
        block("heading_3", "Three"),
        block("paragraph", "Plain ", ("bold", {"bold": True}, None), ("link", {}, "https://a.example/x")),
        block("paragraph"),
        block("bulleted_list_item", "a", inside=[block("bulleted_list_item", "b"), block("paragraph", "c")]),
        block("bulleted_list_item", "d"),
        block("numbered_list_item", "one"),
        block("numbered_list_item", "two"),
        block("to_do", "done", checked=True),
        block("to_do", "open", checked=False),
        block("quote", "said\ntwice"),
        block("callout", "mind", inside=[block("paragraph", "this")]),
        block("code", "print('`')", language="python"),
        block("code", "```\nx", language="plain text"),
        block("divider"),
        block("table", has_column_header=True, inside=cells),
        block("image", type="external", external={"url": "https://a.example/p.png"}, caption=rich("A picture")),
        block("image", type="file", file={"url": "https://secret.example/p.png?sig=x"}, caption=rich("Kept here")),
        block("bookmark", url="https://a.example/"),
        block("toggle", "open me", inside=[block("paragraph", "hidden")]),
        block("unheard_of"),
    )
    assert (
        made
        == """\
## One

## Two

### Three

Plain **bold**[link](https://a.example/x)

- a
  - b

  c
- d

1. one
2. two

- [x] done
- [ ] open

> said
> twice

> mind
>
> this

```python
print('`')
```

````
```
x
````

---

| a | b\\|c |
| --- | --- |
| 1 |  |

[A picture](https://a.example/p.png)

Kept here

[https://a.example/](https://a.example/)

open me

hidden
"""
    )


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", None])
def test_only_addresses_become_links(address: str | None) -> None:
    assert read(block("paragraph", ("words", {}, address))) == "words\n"


@pytest.mark.parametrize(
    ("words", "told"), [("Look!", r"Look\!"), ("Look\\!", r"Look\\\!"), ("!!", r"!\!"), ("Look! ", "Look! ")]
)
def test_a_link_after_a_call_is_no_image(words: str, told: str) -> None:
    link = ("there", {}, "https://a.example/x")
    assert read(block("paragraph", words, "", link)) == f"{told}[there](https://a.example/x)\n"


WORDS = st.text(alphabet=st.sampled_from(" ab1#>-+*_`[]()<>|\\~!=.:&;/\n"), min_size=1, max_size=40)


@given(WORDS)
def test_words_stay_words(words: str) -> None:
    """Whatever a paragraph says, it is shown as one: no heading, list, code, link or HTML comes of it."""
    made = MarkdownIt("commonmark", {"html": False}).enable("table").parse(read(block("paragraph", words)))
    kinds = {token.type for token in made}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline"}
    inner = {child.type for token in made for child in token.children or ()}
    assert inner <= {"text", "softbreak", "hardbreak", "text_special"}


@given(WORDS)
def test_a_link_stays_one_after_whatever_words(words: str) -> None:
    made = MarkdownIt("commonmark").parse(read(block("paragraph", words, ("there", {}, "https://a.example/x"))))
    inner = [child.type for token in made for child in token.children or ()]
    assert inner[-3:] == ["link_open", "text", "link_close"]
    assert "image" not in inner


@given(WORDS)
def test_code_stays_code(words: str) -> None:
    [token] = MarkdownIt("commonmark").parse(read(block("code", words, language="python")))
    assert (token.type, token.content) == ("fence", f"{words}\n")


def test_size_and_depth_have_an_end() -> None:
    deep = block("bulleted_list_item", "x")
    for _level in range(10):
        deep = block("bulleted_list_item", "x", inside=[deep])
    with pytest.raises(LimitExceededError, match="deep"):
        read(deep)
    with pytest.raises(LimitExceededError, match="blocks"):
        read(*[block("divider") for _number in range(MOST_BLOCKS + 1)])
    with pytest.raises(LimitExceededError, match="characters"):
        read(*[block("paragraph", "x" * 2_000) for _number in range(201)])
