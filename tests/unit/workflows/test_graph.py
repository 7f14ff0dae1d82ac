"""The drawn graph: every step is in it, boxes do not overlap, texts cannot become markup."""

import re

import pytest

from apps.workflows import examples, graph
from apps.workflows.definition.validate import parse_source

SOURCE = """
name: All
steps:
  - {id: fetch, name: "<script>alert(1)</script>", type: http, with: {url: "https://example.com/a?b=1&c=2"}}
  - id: way
    type: branch
    branches:
      - when: "a == 'b' && c"
        steps: [{id: inner, type: delay, with: {for: 1s}}]
  - id: each
    type: foreach
    items: "{{ steps.fetch.output.body }}"
    steps: [{id: body, type: email, with: {to: [a@example.com, b@example.com], subject: s, text: t}}]
"""


def boxes(svg: str) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in re.findall(r'class="graph-node" transform="translate\(([\d.]+) ([\d.]+)\)"', svg)
    ]


def test_every_step_is_drawn_and_told_in_words() -> None:
    drawn = graph.draw(parse_source(SOURCE), {"fetch": 4})
    assert drawn.steps == 5
    assert len(boxes(drawn.svg)) == 5
    assert 'data-line="4"' in drawn.svg
    assert "style=" not in drawn.svg
    assert [words.text for words in drawn.outline][1:] == [
        "way: Branch, 1 way",
        "each: For each, item in steps.fetch.output.body",
    ]
    assert drawn.outline[1].inside[0].text == "If a == 'b' && c"
    assert drawn.outline[1].inside[0].inside[0].text == "inner: Delay, 1s"


def test_texts_cannot_become_markup() -> None:
    svg = graph.draw(parse_source(SOURCE)).svg
    assert "<script" not in svg
    assert "a == &#x27;b&#x27; &amp;&amp; c" in svg


@pytest.mark.parametrize("example", examples.every(), ids=lambda example: example.key)
def test_boxes_of_the_examples_do_not_overlap(example: examples.Example) -> None:
    drawn = graph.draw(parse_source(example.source))
    places = boxes(drawn.svg)
    assert len(places) == drawn.steps
    for number, (x, y) in enumerate(places):
        for other_x, other_y in places[number + 1 :]:
            assert abs(x - other_x) >= graph.WIDTH or abs(y - other_y) >= graph.HEIGHT
