"""What the pages of monitoring share: pages of their own beside lists, and CSV."""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from apps.core.admin_base import StaffModelAdmin
from apps.core.staff.job_pages import job_links

RISKY = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet take a text for a formula


class PagesAdmin(StaffModelAdmin):
    """A model's list and page, with pages beside them: `pages` has the address, name and view of each."""

    list_before_template = None

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponse]]]:
        """Which there are."""
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        """Django's hook."""
        own = [path(address, self._guarded(view), name=name) for address, name, view in self.pages()]
        return [*own, *super().get_urls()]

    def _guarded(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """For staff who may see the rows."""

        def for_who_may_see(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded: Callable[..., HttpResponse] = self.admin_site.admin_view(for_who_may_see)
        return guarded

    def page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
        """A page in the administration's frame; `fill_jobs` names the jobs that fill an empty one."""
        jobs = job_links(request, context.pop("fill_jobs", ()))
        frame = {**self.admin_site.each_context(request), "title": title, "content_title": title, "jobs": jobs}
        frame |= context
        return TemplateResponse(request, f"admin/monitoring/{template}", frame)


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A table as a file. No text in it is a formula to a spreadsheet."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return response


def _cell(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value
