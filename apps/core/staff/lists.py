"""Lists that stay fast on millions of rows, the same on PostgreSQL and SQLite.

No list counts its whole table: it counts to 10,000 and says "more". UUIDv7 keys begin with their time, so a period is a
range of the primary key, and rows are always listed in the order of that key.
"""

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RadioFilter, RangeDateFilter, TextFilter
from unfold.views import ChangeList

from apps.core import clock
from apps.core.ids import InvalidIdError, from_public, lowest_id
from apps.core.staff.figures import MOST_COUNTED, capped
from apps.core.staff.job_pages import job_links

ORGANIZATION_NAME = "staff_organization_name"


class CappedPaginator(Paginator):
    """Counts to `MOST_COUNTED` and stops; older rows are reached by filters."""

    template_name = "admin/pagination_capped.html"

    @cached_property
    def _seen(self) -> int:
        if not isinstance(self.object_list, models.QuerySet):
            return len(self.object_list)
        return capped(self.object_list)

    @cached_property
    def count(self) -> int:
        """The number of rows, at most `MOST_COUNTED`."""
        return min(self._seen, MOST_COUNTED)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than were counted."""
        return self._seen > MOST_COUNTED


class StaffChangeList(ChangeList):
    """A list without the heavy columns; names of organizations come in one query for the whole page."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.one, self.many = self.model_admin.called or (self.opts.verbose_name, self.opts.verbose_name_plural)
        self.title = capfirst(self.many)
        self.empty_jobs = [] if self.result_count else job_links(request, self.model_admin.empty_jobs)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> models.QuerySet[Any]:
        queryset: models.QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return queryset.defer(*self.model_admin.list_defer) if self.model_admin.list_defer else queryset

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # the foot of the list tells it, not its head
        if "organization_link" not in self.list_display or hasattr(self.model, "organization"):
            return
        self.result_list: list[Any] = list(self.result_list)
        wanted = {row.organization_id for row in self.result_list if row.organization_id}
        names = self.model_admin.admin_site.organization_names(wanted) if wanted else {}
        for row in self.result_list:
            setattr(row, ORGANIZATION_NAME, names.get(row.organization_id, ""))

    @property
    def shown_period(self) -> str:
        """The period that the list is limited to, in words; empty without one."""
        for spec in self.filter_specs:
            if isinstance(spec, PeriodFilter) and spec.limited:
                return str(dict(spec.lookup_choices)[spec.value()])
        return ""

    @property
    def any_period_url(self) -> str:
        """The same list without a limit in time."""
        url: str = self.get_query_string({PeriodFilter.parameter_name: PeriodFilter.ANY})
        return url


class PeriodFilter(RadioFilter):
    """Rows of the last days, by their UUIDv7 keys. One period is the default, so that no search reads everything."""

    ANY = "any"
    title = _("period")
    parameter_name = "period"
    all_option = None
    default = "30"
    periods = (
        ("1", _("Last 24 hours")),
        ("7", _("Last 7 days")),
        ("30", _("Last 30 days")),
        ("90", _("Last 90 days")),
        (ANY, _("Any time")),
    )

    def __init__(self, request: HttpRequest, params: dict[str, Any], *args: Any) -> None:
        self._days_given = any(key.endswith(("_from", "_to")) and any(params[key]) for key in params)
        super().__init__(request, params, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Django's hook."""
        return self.periods

    def value(self) -> str:
        """The chosen period; days that were typed in, or an unknown period, fall back to one that makes sense."""
        chosen = super().value()
        known = dict(self.periods)
        return str(chosen) if chosen in known else self.ANY if self._days_given else self.default

    @property
    def limited(self) -> bool:
        """Whether older rows are left out."""
        return self.value() != self.ANY

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Django's hook."""
        if not self.limited:
            return queryset
        return queryset.filter(pk__gte=lowest_id(clock.now() - timedelta(days=int(self.value()))))


class LastWeekFilter(PeriodFilter):
    """For tables that grow by millions."""

    default = "7"


class DaysFilter(RangeDateFilter):
    """From one day to another (UTC, both included), by UUIDv7 keys: no index on the date is needed."""

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Django's hook."""
        first = self._day(f"{self.parameter_name}_from")
        last = self._day(f"{self.parameter_name}_to")
        if first:
            queryset = queryset.filter(pk__gte=lowest_id(_midnight(first)))
        if last:
            queryset = queryset.filter(pk__lt=lowest_id(_midnight(last) + timedelta(days=1)))
        return queryset

    def _day(self, name: str) -> date | None:
        text = self.used_parameters.get(name)
        if not text:
            return None
        try:
            return date.fromisoformat(str(text))
        except ValueError as error:
            raise IncorrectLookupParameters(error) from error


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class KnownValuesFilter(DropdownFilter):
    """By the values of a column that the code knows: no query reads the table for them."""

    def options(self) -> Iterable[tuple[str, Any]]:
        """Values of the column `parameter_name`, each with its words."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Django's hook."""
        return list(self.options())

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Django's hook."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class OrganizationIdFilter(TextFilter):
    """For tables that know an organization by its key alone: takes `org_…` or the UUID."""

    title = _("organization id")
    parameter_name = "org"  # `organization` chooses the organization that a person works in

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Django's hook."""
        text = (self.value() or "").strip()
        if not text:
            return queryset
        key = key_of("org", text)
        return queryset.filter(organization_id=key) if key else queryset.none()


def key_of(prefix: str, text: str) -> uuid.UUID | None:
    """The key in a public id with this prefix, or in a UUID; None for any other text."""
    try:
        return from_public(prefix, text)
    except InvalidIdError:
        pass
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
