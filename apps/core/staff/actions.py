"""What staff do to rows: asked before, done by a service, recorded, told after."""

import hashlib
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.context import bound
from apps.core.errors import DomainError
from apps.core.kinds import Text
from apps.core.staff.display import row_url
from apps.core.staff.site import StaffSite

MOST_AT_ONCE = 100


def always(_row: Any) -> bool:
    """For actions that fit any row."""
    return True


def nothing(_row: Any) -> None:
    """For actions whose row is the first that is locked."""


@dataclass(frozen=True)
class StaffAction:
    """A button on a row's page and an entry in its list's menu; both lead to a page that asks first.

    `do(request, row)` calls a service, which may refuse with a `DomainError`; each row is a transaction of its own.
    With `form`, which is made of a row, the page asks for more, of one row at a time: `do(request, row, data)`.
    `foresee(row, data)` tells what will follow: then a second page says so and is agreed to before anything is done.
    `first(row)` takes what has to be locked before the row then.
    `told` is what is said afterwards, where it is not done yet but ordered.
    `audit` is recorded with it, unless the service records by itself. `applies(row)` says where the button makes sense.
    """

    name: str
    label: Text
    question: Text
    permission: str
    do: Callable[..., object]
    icon: str = "bolt"
    audit: str = ""
    told: Text = ""
    applies: Callable[[Any], bool] = always
    danger: bool = False
    form: Callable[..., forms.Form] | None = None
    foresee: Callable[[Any, dict[str, Any]], list[str]] | None = None
    first: Callable[[Any], None] = nothing

    def allowed(self, request: HttpRequest) -> bool:
        """Whether this member of staff may do it."""
        return bool(request.user.has_perm(self.permission))


class ActionPages:
    """The pages of `staff_actions`, mixed into a model's admin."""

    staff_actions: tuple[StaffAction, ...] = ()
    model: Any
    admin_site: Any
    called: Any = None

    def action_url(self, action: StaffAction, keys: list[Any], back: str = "") -> str:
        """The page that asks whether to do it to these rows."""
        query = QueryDict(mutable=True)
        query.setlist("id", [str(key) for key in keys])
        if back:
            query["back"] = back
        name = f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_do"
        return f"{reverse(name, args=[action.name])}?{query.urlencode()}"

    def staff_action_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask (GET), then do it to each row (POST)."""
        action = next((action for action in self.staff_actions if action.name == name), None)
        if action is None:
            raise Http404
        if not action.allowed(request):
            raise PermissionDenied
        rows = self._rows(request)
        form, coming = None, []
        if action.form is not None:
            if len(rows) != 1:
                raise Http404
            form = action.form(rows[0], request.POST if request.method == "POST" else None)
        if request.method == "POST" and (form is None or form.is_valid()) and "change" not in request.POST:
            coming = self._do(request, action, rows, *([form.cleaned_data] if form else []))
            if not coming:
                return redirect(self._back(request, rows))
        context = {
            **self.admin_site.each_context(request),
            "title": action.label,
            "opts": self.model._meta,
            "called": self.called or (self.model._meta.verbose_name, self.model._meta.verbose_name_plural),
            "action": action,
            "form": form,
            "rows": rows,
            "fitting": sum(action.applies(row) for row in rows),
            "back": self._back(request, rows),
            "coming": coming,
            "digest": _digest(coming),
            "more_to_come": action.foresee is not None and not coming,
        }
        status = 422 if form is not None and form.errors else 200
        return TemplateResponse(request, "admin/confirm_action.html", context, status=status)

    def _rows(self, request: HttpRequest) -> list[Any]:
        keys = request.GET.getlist("id")
        if not 0 < len(keys) <= MOST_AT_ONCE:
            raise Http404
        try:
            found = self.model._default_manager.filter(pk__in=keys).order_by("pk")
            rows = list(found)
        except (ValidationError, ValueError) as error:
            raise Http404 from error
        if len(rows) != len(set(keys)):
            raise Http404
        return rows

    def _do(self, request: HttpRequest, action: StaffAction, rows: list[Any], *more: Any) -> list[str]:
        """Do it, unless it has to be agreed first to what will follow, which is returned then."""
        if action.foresee is None:
            self._perform(request, action, rows, *more)
            return []
        with transaction.atomic():  # one at a time: who clicks twice has agreed once
            action.first(rows[0])
            row = self.model._default_manager.select_for_update(no_key=True).get(pk=rows[0].pk)
            coming = action.foresee(row, *more)
            if request.POST.get("agreed") != _digest(coming):
                return coming
            self._perform(request, action, [row], *more)
        return []

    def _perform(self, request: HttpRequest, action: StaffAction, rows: list[Any], *more: Any) -> None:
        done = 0
        for row in rows:
            try:
                perform(self.admin_site, request, action, row, *more)
            except DomainError as refusal:
                messages.error(request, f"{row}: {refusal.detail}")
            else:
                done += 1
        if done and action.told:
            messages.success(request, str(action.told))
        elif done:
            told = ngettext("%(label)s: done.", "%(label)s: done for %(count)s rows.", done)
            messages.success(request, told % {"label": action.label, "count": done})

    def _back(self, request: HttpRequest, rows: list[Any]) -> str:
        back = request.GET.get("back", "")
        if url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/"):
            return back
        if len(rows) == 1:
            return row_url(rows[0])
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist")


def _digest(coming: list[str]) -> str:
    """Tells whether what was agreed to is what will follow now."""
    return hashlib.sha256("\n".join(coming).encode()).hexdigest()


def perform(site: StaffSite, request: HttpRequest, action: StaffAction, row: Any, *more: Any) -> None:
    """Do it to one row: all of it is kept, with its audit entry, or nothing. Raises what the service refuses with."""
    organization_id: uuid.UUID | None = getattr(row, "organization_id", None)
    for_whom = bound(organization_id=organization_id) if organization_id else nullcontext()
    with transaction.atomic(), for_whom:
        action.do(request, row, *more)
        if action.audit:
            site.record(action.audit, target=row, organization_id=organization_id)


def not_allowed_on_many(rows: int) -> str:
    """Why a selection was refused."""
    return _("At most %(most)s rows at once; %(rows)s were selected.") % {"most": MOST_AT_ONCE, "rows": rows}
