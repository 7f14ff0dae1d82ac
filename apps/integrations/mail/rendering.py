"""From a template name and a context to a mail: subject, text and HTML in the brand of the current realm."""

import re
from dataclasses import dataclass
from typing import Any

from django.template import Context, TemplateDoesNotExist
from django.template.loader import get_template

from apps.core.brand import current_brand

MAX_SUBJECT = 200
_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")


@dataclass(frozen=True)
class Rendered:
    """A finished mail without its envelope."""

    from_address: str
    subject: str
    text: str
    html: str


def render(template: str, context: dict[str, Any]) -> Rendered:
    """Render `emails/<template>.{subject.txt,txt,html}`; the HTML part may be missing.

    Text parts are rendered without HTML escaping. Templates see `brand`, `site_url`, `subject` and the context. Raises
    `TemplateDoesNotExist`.
    """
    brand = current_brand()
    values = {**context, "brand": brand, "site_url": brand.site_url}
    subject = " ".join(_plain(f"emails/{template}.subject.txt", values).split())[:MAX_SUBJECT]
    values["subject"] = subject
    text = _BLANK_LINES.sub("\n\n", _plain(f"emails/{template}.txt", values)).strip() + "\n"
    return Rendered(brand.from_address, subject, text, _html(f"emails/{template}.html", values))


def _plain(name: str, values: dict[str, Any]) -> str:
    return str(get_template(name).template.render(Context(dict(values), autoescape=False)))  # type: ignore[attr-defined] # Django's own backend


def _html(name: str, values: dict[str, Any]) -> str:
    try:
        found = get_template(name)
    except TemplateDoesNotExist as missing:
        if missing.args and missing.args[0] == name:
            return ""
        raise
    return found.render(values)
