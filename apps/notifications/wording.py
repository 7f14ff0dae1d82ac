"""The words of an alarm: from the type's own templates, or staff's in their place; never with a secret."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils.translation import gettext as _

from apps.core.json_values import storable
from apps.core.kinds import AlertType
from apps.core.scrubbing import scrub, scrub_data
from apps.notifications.models import AlertTemplate
from apps.notifications.staff_language import StaffTemplate, TooMuchError

log = structlog.get_logger(__name__)

MAX_TITLE, MAX_DETAIL = 200, 8000
MARK = "⟨%s?⟩"
# What staff's templates may say is in `staff_language`.
STAFF_ENGINE = Engine(dirs=[], app_dirs=False, autoescape=False)
MARKING_ENGINE = Engine(dirs=[], app_dirs=False, autoescape=False, string_if_invalid=MARK)


@dataclass(frozen=True)
class Words:
    """What an alarm says. `broken`: why staff's template was not used, empty when all is well."""

    title: str
    detail: str
    data: dict[str, Any]
    broken: str = ""


def words_of(kind: AlertType, subject: str, data: Mapping[str, Any] | None) -> Words:
    """The words of an alarm. A template of staff's that fails is left aside, and the alarm says so."""
    plain = plain_data(data)
    values = {"subject": scrub(subject), **scrub_data(dict(data or {}))}
    own = AlertTemplate.objects.filter(code=kind.code).first()
    if own is not None:
        try:
            title, detail = _rendered(STAFF_ENGINE, own.title, own.detail, {"subject": values["subject"], **plain})
        except Exception as error:  # noqa: BLE001 - whatever a template of staff's raises, the alarm goes out
            broken = f"{type(error).__name__}: {error}"[:300]
            _note(own, broken)
            title, detail = _of_code(kind, values)
            note = _("(Told in the words of the code: staff's template for this type is broken: %(why)s)")
            detail = f"{detail}\n\n{note % {'why': broken}}".strip()
            return Words(_title(title), _detail(detail), plain, broken)
        _note(own, "")
        return Words(_title(title), _detail(detail), plain)
    title, detail = _of_code(kind, values)
    return Words(_title(title), _detail(detail), plain)


def plain_data(data: Mapping[str, Any] | None) -> dict[str, Any]:
    """The data of an alarm as it is stored: plain JSON without what looks secret."""
    text = json.dumps(scrub_data(dict(data or {})), default=str)
    return dict(storable(json.loads(text)))


def preview(title: str, detail: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """What a template of staff's makes of data, with marks where it names what is not there.

    Raises `TemplateSyntaxError` or `ValueError`, whose words are for the form.
    """
    try:
        shown = _rendered(MARKING_ENGINE, title, detail, values)
    except (TemplateSyntaxError, TooMuchError):
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return _title(shown[0]), _detail(shown[1])


def _of_code(kind: AlertType, values: Mapping[str, Any]) -> tuple[str, str]:
    context = Context(dict(values), autoescape=False)
    try:
        return Template(str(kind.title)).render(context), Template(str(kind.body)).render(context)
    except Exception:  # a mistake of ours in words must not keep back the alarm
        log.exception("alert_words_broken", code=kind.code)
        return f"{kind.label}: {values['subject']}".rstrip(": "), ""


def _rendered(engine: Engine, title: str, detail: str, values: Mapping[str, Any]) -> tuple[str, str]:
    context = Context(dict(values), autoescape=False)
    told = StaffTemplate(title, engine=engine).render(context).strip()
    if not told:
        raise ValueError("the title comes out empty")
    return told, StaffTemplate(detail, engine=engine).render(context)


def _note(own: AlertTemplate, broken: str) -> None:
    if own.broken != broken:
        AlertTemplate.objects.filter(pk=own.pk).update(broken=broken)
    if broken:
        log.error("alert_template_broken", code=own.code, error=broken)


def _title(text: str) -> str:
    return " ".join(scrub(text).split())[:MAX_TITLE]


def _detail(text: str) -> str:
    return scrub(text).strip()[:MAX_DETAIL]
