"""The base of every page in the administration.

Pages are read-only unless they say otherwise: staff change things by actions, which call services and are recorded.
"""

from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.enums import ActionVariant

from apps.core.ids import to_public
from apps.core.kinds import Figure, StaffFacts
from apps.core.registry import registry
from apps.core.staff.actions import MOST_AT_ONCE, ActionPages, StaffAction, not_allowed_on_many
from apps.core.staff.display import NOTHING, id_text, link, row_url, when, whole_id
from apps.core.staff.lists import ORGANIZATION_NAME, CappedPaginator, StaffChangeList, key_of

Sets = tuple[tuple[str | Promise | None, dict[str, Any]], ...]


class StaffModelAdmin(ActionPages, ModelAdmin):
    """A model's list and page. Subclasses say what to show; `fieldsets` names every field and method of the page."""

    fieldsets: Sets = ()
    editable: tuple[str, ...] = ()
    staff_actions: tuple[StaffAction, ...] = ()
    lookups: ClassVar[tuple[str, ...]] = ()  # columns that links may filter by, beside list_filter
    called: tuple[Promise, Promise] | None = None  # one and many, where a package's model has a name that nobody knows
    empty_text: str | Promise = ""  # when rows come, for a list without any
    empty_jobs: ClassVar[tuple[str, ...]] = ()  # the jobs that make them
    list_defer: ClassVar[tuple[str, ...]] = ()  # heavy columns that the list does not read

    actions = ()
    search_fields: tuple[str, ...] = ("pk",)
    search_help_text = _("Paste an id")
    ordering: tuple[str, ...] = ("-pk",)
    sortable_by = ()
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True
    list_fullwidth = True
    list_filter_submit = True
    list_before_template: str | None = "admin/shown_period.html"
    change_form_outer_before_template = "admin/facts.html"
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator
    compressed_fields = True

    # Rights -----------------------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come into being by what people do, not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed by actions."""
        return bool(self.editable) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted here."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything on the page but `editable`."""
        return [name for name in flatten_fieldsets(self.get_fieldsets(request, obj)) if name not in self.editable]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Only declared columns can be filtered by: nobody guesses a hash or a secret letter by letter."""
        name = lookup.partition("__")[0]
        try:
            self.opts.get_field(name)
        except FieldDoesNotExist:
            return True  # a filter's own parameter; Django refuses what no filter takes
        filters = [item[0] if isinstance(item, tuple) else item for item in self.get_list_filter(request)]
        if any(lookup == getattr(item, "parameter_name", None) for item in filters):
            return True
        declared = {item.partition("__")[0] for item in filters if isinstance(item, str)} | set(self.lookups)
        return name in declared and super().lookup_allowed(lookup, value, request)

    # Lists ------------------------------------------------------------------------------------------------------------
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        """Django's hook."""
        return StaffChangeList

    def key_of(self, text: str) -> Any:
        """The key of a row in a public id (or a UUID) that staff pasted; None for any other text."""
        if not isinstance(self.opts.pk, models.UUIDField):
            return None
        return key_of(getattr(self.model, "public_prefix", ""), text.strip())

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; a pasted id leads straight to its row, however old."""
        key = self.key_of(request.GET.get("q", "")) if self.has_view_permission(request) else None
        if key is not None and request.method == "GET":
            found = self.model._default_manager.filter(pk=key).only("pk").first()
            if found is not None:
                return redirect(row_url(found))
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """By id, else by `search_fields`; `pk` alone finds nothing else."""
        key = self.key_of(search_term)
        if key is not None:
            return queryset.filter(pk=key), False
        if self.search_fields == ("pk",):
            return (queryset.none() if search_term.strip() else queryset), False
        found: tuple[models.QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found

    # Actions ----------------------------------------------------------------------------------------------------------
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The entries of the list's menu: each leads to the page that asks. A form is for one row: its page has it."""
        allowed = [action for action in self.staff_actions if action.allowed(request) and action.form is None]
        return {action.name: (partial(_ask, action), action.name, action.label) for action in allowed}

    def get_urls(self) -> list[URLPattern]:
        """Django's hook: the page that asks."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        view = self.admin_site.admin_view(self.staff_action_view)
        return [path("do/<slug:name>/", view, name=name), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """The page of a row, with the buttons that fit it and the facts that other apps tell."""
        row = kwargs.get("obj")
        if self.called:
            context["title"] = capfirst(str(self.called[0]))
        if row is not None:
            row.staff_title = self.title_of(row)
            context["actions_detail"] = [
                *menu(_("Actions"), "bolt", self._buttons(request, row)),
                *menu(_("Related"), "link", self.links(request, row)),
            ]
            context["facts"] = self._facts(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def _buttons(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        return [
            button(action.label, self.action_url(action, [row.pk]), action.icon, danger=action.danger)
            for action in self.staff_actions
            if action.allowed(request) and action.applies(row)
        ]

    def title_of(self, row: Any) -> str:
        """What the head of a row's page says."""
        return str(row)

    def links(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """Further buttons on a row's page that only lead somewhere; made by `button`."""
        return []

    def _facts(self, request: HttpRequest, row: Any) -> list[Figure]:
        told = [fact for fact in registry(StaffFacts).all() if fact.model == self.opts.label_lower]
        may = [fact for fact in told if request.user.has_perm(fact.permission)]
        return [figure for fact in sorted(may, key=lambda fact: fact.order) for figure in fact.facts(row)]

    # Record -----------------------------------------------------------------------------------------------------------
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What was done to a row is in the audit log."""
        row = self.get_object(request, object_id)
        if row is None:
            response: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return response
        return redirect(self.admin_site.history_url(row))

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """A row made by a form: into the audit log."""
        self._record("staff.row_added", obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """A row changed by a form: into the audit log."""
        self._record("staff.row_changed", obj, message)

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Rows deleted by a form: into the audit log."""
        for row in queryset:
            self._record("staff.row_deleted", row, "")

    def _record(self, code: str, row: Any, message: Any) -> None:
        data = {"what": str(self.opts.label), "changes": message if isinstance(message, list) else str(message)}
        self.admin_site.record(code, target=row, data=data, organization_id=getattr(row, "organization_id", None))

    # Columns ----------------------------------------------------------------------------------------------------------
    @display(description=_("id"), ordering="pk")
    def short_id(self, obj: Any) -> str:
        """The public id, short."""
        return id_text(obj.public_id)

    @display(description=_("id"))
    def full_id(self, obj: Any) -> str:
        """The public id."""
        return whole_id(obj.public_prefix, obj.pk)

    @display(description=_("organization"))
    def organization_link(self, obj: Any) -> str:
        """The organization by name, where one is known."""
        if obj.organization_id is None:
            return NOTHING
        url = self.admin_site.organization_url(obj.organization_id)
        name = getattr(obj, ORGANIZATION_NAME, None)
        if name is None:
            own = getattr(obj, "organization", None)
            name = own or self.admin_site.organization_names([obj.organization_id]).get(obj.organization_id)
        return link(url, name or to_public("org", obj.organization_id))

    @display(description=_("created"))
    def created(self, obj: Any) -> str:
        """When the row was made."""
        return when(obj.created_at)


class StaffInline(TabularInline):
    """Rows that belong to the page's row: to look at, a page at a time."""

    extra = 0
    max_num = 0
    can_delete = False
    per_page = 25
    hide_title = True
    ordering: tuple[str, ...] = ("pk",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Read only."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything."""
        return self.fields


def button(title: Any, url: str, icon: str = "", *, danger: bool = False) -> dict[str, Any]:
    """A button in Unfold's header."""
    attributes = {"data-danger": "true"} if danger else {}
    look = {"variant": ActionVariant.DEFAULT, "attrs": attributes, "dialog": None}
    return {"title": title, "icon": icon, "path": url, **look}


def menu(title: Any, icon: str, buttons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to two buttons as they are; more of them as a menu, so that the head of the page stays readable."""
    if len(buttons) <= 2:
        return buttons
    return [{"title": title, "icon": icon, "variant": ActionVariant.DEFAULT, "method_name": icon, "items": buttons}]


def _ask(
    action: StaffAction, model_admin: StaffModelAdmin, request: HttpRequest, queryset: models.QuerySet[Any]
) -> HttpResponse | None:
    """An entry of the list's menu: on to the page that asks."""
    keys = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(keys) > MOST_AT_ONCE:
        messages.error(request, not_allowed_on_many(len(keys)))
        return None
    return redirect(model_admin.action_url(action, keys, back=request.get_full_path()))
