"""Ctrl-K in the administration: paste any public id, or an address, and go there."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.dataclasses import SearchResult

from apps.core.ids import Entity, InvalidIdError
from apps.core.staff.display import row_url


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """Unfold's search callback: at most one row, found by its key or its unique address."""
    term = term.strip()
    row = _by_address(request, term) if "@" in term else _by_public_id(request, term)
    if row is None:
        return []
    return [
        SearchResult(
            title=str(row), description=str(capfirst(row._meta.verbose_name)), link=row_url(row), icon="arrow_right"
        )
    ]


def _by_address(request: HttpRequest, term: str) -> Any:
    model = get_user_model()
    return model._default_manager.filter(email=term).first() if _may_see(request, model) else None


def _by_public_id(request: HttpRequest, term: str) -> Any:
    prefix = term.partition("_")[0]
    for model in admin.site._registry:
        if issubclass(model, Entity) and model.public_prefix == prefix and _may_see(request, model):
            try:
                return model._default_manager.filter(pk=model.parse_public_id(term)).first()
            except InvalidIdError:
                return None
    return None


def _may_see(request: HttpRequest, model: Any) -> bool:
    found = admin.site._registry.get(model)
    return found is not None and found.has_view_permission(request)
