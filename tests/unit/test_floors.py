"""Model relations respect the floors too: `import-linter` can't see a foreign key that is written as a string."""

import tomllib

import pytest
from django.apps import apps as django_apps
from django.db import models

from levqor.env import ROOT


def floors() -> dict[str, int]:
    """Each app's floor, 0 the lowest, from the same list that import-linter reads."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return {
        app.strip(): height for height, layer in enumerate(reversed(layers)) for app in layer.split("|")
    }  # fmt: skip


def ours() -> list[type[models.Model]]:
    return [model for model in django_apps.get_models() if model.__module__.startswith("apps.")]


def room(model: type[models.Model]) -> str:
    return ".".join(model.__module__.split(".")[:2])


def may_point(source: type[models.Model], target: type[models.Model]) -> bool:
    """Whether a relation stays in its room, points to a lower floor, or to a library's model."""
    heights = floors()
    if room(source) == room(target) or not target.__module__.startswith("apps."):
        return True
    return heights[room(target)] < heights[room(source)]


def test_every_app_has_a_floor() -> None:
    installed = {config.name for config in django_apps.get_app_configs() if config.name.startswith("apps.")}
    assert installed == set(floors())


@pytest.mark.parametrize("model", ours(), ids=lambda model: model._meta.label)
def test_relations_point_down(model: type[models.Model]) -> None:
    relations = [field for field in model._meta.get_fields() if field.is_relation and field.concrete]
    wrong = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for field in relations
        if isinstance(field.related_model, type) and not may_point(model, field.related_model)
    ]
    assert not wrong


def test_a_relation_upwards_would_be_found() -> None:
    user = django_apps.get_model("accounts", "User")
    event, delivery = django_apps.get_model("core", "DomainEvent"), django_apps.get_model("core", "EventDelivery")
    assert may_point(user, event)
    assert may_point(delivery, event)
    assert not may_point(event, user)
    assert not may_point(
        django_apps.get_model("audit", "AuditEntry"), django_apps.get_model("integrations", "MailMessage")
    )
