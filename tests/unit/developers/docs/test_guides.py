"""What is read out of a guide's text: headings and code, as Markdown has them."""

from apps.developers.docs.guides import Guide, Snippet

SOURCE = """# Title

## First `thing`

````markdown
## No heading
```bash
echo no snippet
```
````

```bash
echo one
```

```python quoted
print(2)
```

## Second
"""


def test_code_that_shows_code_is_one_piece() -> None:
    guide = Guide("tried", "Title", SOURCE)
    assert guide.headings == [("first-thing", "First `thing`"), ("second", "Second")]
    assert guide.snippets == [
        Snippet("markdown", "## No heading\n```bash\necho no snippet\n```\n", runs=False),
        Snippet("bash", "echo one\n", runs=True),
        Snippet("python", "print(2)\n", runs=False),
    ]
    assert all(f'id="{name}"' in guide.html() for name, _text in guide.headings)
