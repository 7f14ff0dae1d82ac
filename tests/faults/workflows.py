"""The workflows that run while processes are killed, and which steps each must leave behind."""

import re
from functools import partial

_CALL = re.compile(r"POST\((\S+), (.+?)\)")  # POST(/path, step): a call that tells its run and step
RETRY = "retry: {attempts: 12, delay: 50ms, max_delay: 300ms}"

_CHAIN = """
name: Chain
steps:
  - {id: one, type: http, with: POST(/ok?pause=0.08, one)}
  - {id: shape, type: transform, with: {expression: "steps.one.output.body.echo.step"}}
  - {id: two, type: http, with: POST(/ok?pause=0.15, two)}
  - {id: three, type: http, RETRY, with: POST(/flaky?failures=2, three)}
  - id: note
    type: email
    with: {to: [someone@example.com], subject: "Done {{ steps.shape.output }}", text: "{{ levqor.run_id }}"}
  - {id: four, type: http, with: POST(/ok?pause=0.05, four)}
output: "{{ steps.four.output.body.echo.step }}"
"""

_CHILD = """
name: Child
inputs: {type: object, properties: {number: {type: integer}}}
steps:
  - {id: inner, type: http, RETRY, with: POST(/flaky?failures=1&pause=0.05, inner)}
  - {id: letter, type: email, with: {to: [child@example.com], subject: "Child", text: "number {{ inputs.number }}"}}
output: "{{ inputs.number }}"
"""

_MIXED = """
name: Mixed
steps:
  - {id: first, type: http, with: POST(/ok?pause=0.05, first)}
  - {id: list, type: transform, with: {value: [1, 2, 3]}}
  - id: each
    type: foreach
    items: "{{ steps.list.output }}"
    as: item
    steps:
      - {id: call, type: http, RETRY, with: POST(/flaky?failures=1&pause=0.03, each[{{ loop.index }}].call)}
      - {id: keep, type: transform, with: {value: "{{ item }}"}}
  - {id: pause, type: delay, with: {for: 700ms}}
  - {id: below, type: subflow, with: {workflow: child, inputs: {number: 7}}}
  - id: way
    type: branch
    branches:
      - when: "steps.below.output == `7`"
        steps:
          - {id: last, type: http, with: POST(/ok?pause=0.05, last)}
    otherwise:
      - {id: never, type: http, with: POST(/ok, never)}
output: "{{ steps.each.output.items }}"
"""

_REFUSED = """
name: Refused
steps:
  - {id: good, type: http, with: POST(/ok?pause=0.05, good)}
  - {id: bad, type: http, with: POST(/refuse, bad)}
  - {id: after, type: http, with: POST(/ok, after)}
"""

_HELD = """
name: Held
steps:
  - {id: before, type: http, with: POST(/ok, before)}
  - {id: held, type: http, timeout: 110s, with: POST(/hold, held)}
  - {id: behind, type: http, with: POST(/ok, behind)}
"""

_QUICK = """
name: Quick
steps:
  - {id: only, type: http, with: POST(/ok, only)}
"""

_CRON = """
name: Clockwork
triggers: [{name: minutes, type: cron, cron: "* * * * *", catch_up: all, overlap: allow}]
steps:
  - {id: only, type: http, with: POST(/ok, only)}
"""

_TEXTS = {
    "chain": _CHAIN,
    "child": _CHILD,
    "mixed": _MIXED,
    "refused": _REFUSED,
    "held": _HELD,
    "quick": _QUICK,
    "clockwork": _CRON,
}

# slug → {path: last state} of every step that a finished run must have, and the run's own last state.
STEPS: dict[str, dict[str, str]] = {
    "chain": dict.fromkeys(("one", "shape", "two", "three", "note", "four"), "succeeded"),
    "child": dict.fromkeys(("inner", "letter"), "succeeded"),
    "mixed": dict.fromkeys(
        (
            "first",
            "list",
            "each",
            *(f"each[{index}].{name}" for index in range(3) for name in ("call", "keep")),
            "pause",
            "below",
            "way",
            "last",
        ),
        "succeeded",
    ),
    "refused": {"good": "succeeded", "bad": "failed"},
    "held": dict.fromkeys(("before", "held", "behind"), "succeeded"),
    "quick": {"only": "succeeded"},
    "clockwork": {"only": "succeeded"},
}
ENDS = {slug: "failed" if slug == "refused" else "succeeded" for slug in STEPS}


def sources(url: str) -> dict[str, str]:
    """The definitions by slug, calling the server at `url`."""
    return {slug: _CALL.sub(partial(_call, url), text.replace("RETRY", RETRY)) for slug, text in _TEXTS.items()}


def _call(url: str, match: re.Match[str]) -> str:
    return f'{{method: POST, url: "{url}{match[1]}", json: {{run: "{{{{ levqor.run_id }}}}", step: "{match[2]}"}}}}'
