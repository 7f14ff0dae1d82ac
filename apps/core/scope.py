"""Reads are scoped to an organization unless somebody says otherwise, in words that a reviewer can search for."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from django.db import models

ModelT = TypeVar("ModelT", bound=models.Model)
_unscoped: ContextVar[bool] = ContextVar("unscoped", default=False)


class UnscopedQueryError(RuntimeError):
    """A query on an organization-owned model named no organization."""


@contextmanager
def unscoped() -> Iterator[None]:
    """Allow plain queries inside the block: for the admin, commands and data migrations, never for a request."""
    token = _unscoped.set(True)
    try:
        yield
    finally:
        _unscoped.reset(token)


class OrganizationManager(models.Manager[ModelT], Generic[ModelT]):
    """The default manager of every organization-owned model.

    `for_organization(org)` takes an Organization or its UUID. `unscoped()` is the explicit way out. Reverse
    relations (`run.steps`) are scoped by the object that they start from.
    """

    def get_queryset(self) -> models.QuerySet[ModelT]:
        if getattr(self, "instance", None) is None and not _unscoped.get():
            raise UnscopedQueryError(
                f"{self.model.__name__}.objects needs .for_organization(…), or .unscoped() where that is meant"
            )
        return super().get_queryset()

    def for_organization(self, organization: Any) -> models.QuerySet[ModelT]:
        """The rows of one organization (an Organization or its primary key)."""
        return super().get_queryset().filter(organization_id=getattr(organization, "pk", organization))

    def unscoped(self) -> models.QuerySet[ModelT]:
        """All rows, of all organizations."""
        return super().get_queryset()

    def create(self, **kwargs: Any) -> ModelT:
        """Insert one row: naming its organization is what the model's fields demand."""
        return super().get_queryset().create(**kwargs)

    def bulk_create(self, objs: Iterable[ModelT], *args: Any, **kwargs: Any) -> list[ModelT]:
        """Insert many rows."""
        return super().get_queryset().bulk_create(objs, *args, **kwargs)
