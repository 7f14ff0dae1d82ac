"""dj-stripe is there as tables alone: no key, no address, no receiver, and one migration that fits its version."""

import importlib
import io
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stripe
from django.apps import apps as django_apps
from django.conf import settings as django_settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection, transaction
from django.urls import URLPattern, URLResolver, get_resolver
from djstripe.models import APIKey, Event, Product, WebhookEndpoint
from djstripe.settings import djstripe_settings

from apps.integrations.stripe import health, triggers
from apps.integrations.stripe.mirror import MODELS, mirror
from levqor.env import ROOT
from levqor.settings import base
from tests.common.stripe_raw import product
from tests.common.surroundings import bare_environment

migration = importlib.import_module("apps.integrations.stripe.migrations.0002_nothing_else")
KEY = "sk_test_" + "x" * 24


# One migration -------------------------------------------------------------------------------------------------------
def test_the_migration_was_made_for_the_version_that_is_installed():
    [pinned] = re.findall(r"^dj-stripe==(\S+)", (ROOT / "requirements" / "base.in").read_text(), re.MULTILINE)
    assert pinned == version("dj-stripe") == "2.11.0"  # another: `makemigrations djstripe`, and look at what it makes


@pytest.mark.migrations
def test_the_migration_says_what_the_models_say(settings: Any, db: None):
    settings.MIGRATION_MODULES = base.MIGRATION_MODULES
    out = io.StringIO()
    call_command("makemigrations", "djstripe", check_changes=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()


# Nothing runs --------------------------------------------------------------------------------------------------------
def test_it_has_no_key():
    assert djstripe_settings.get_api_keys() == []
    assert djstripe_settings.STRIPE_PUBLIC_KEY == ""
    names = {"STRIPE_SECRET_KEY", "STRIPE_TEST_SECRET_KEY", "STRIPE_LIVE_SECRET_KEY", "STRIPE_API_HOST"}
    assert not [name for name in names if hasattr(django_settings, name)], "dj-stripe would take it as its own"


def views(resolver: URLResolver) -> list[Any]:
    found = []
    for entry in resolver.url_patterns:
        found += views(entry) if isinstance(entry, URLResolver) else [entry]
    return found


def test_it_has_no_address():
    patterns: list[URLPattern] = views(get_resolver())
    assert len(patterns) > 100
    assert not [one for one in patterns if one.callback.__module__.startswith("djstripe")]


STARTED = """
import json, sys, django
django.setup()
started = {name.partition(".")[2] for name in sys.modules if name.startswith("djstripe.")}
from djstripe import checks
found = [check for name, check in vars(checks).items() if name.startswith("check_")]
told = [str(one) for check in found for one in check()]
print(json.dumps({"started": sorted(started), "checks": len(found), "told": told}))
"""


def test_nothing_of_it_runs_and_its_checks_would_say_nothing(tmp_path: Path):
    around = bare_environment(LEVQOR_VAR=str(tmp_path), DJANGO_SETTINGS_MODULE="levqor.settings.test")
    run = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, check=True, cwd=ROOT, env=around)
    told = json.loads(run.stdout)
    assert {"models.core", "settings"} <= set(told["started"])
    assert not {"checks", "event_handlers", "views", "admin", "_stripe_compat"} & set(told["started"])
    assert (told["checks"], told["told"]) == (7, [])


def test_objects_of_stripes_are_as_stripe_made_them():
    assert not hasattr(stripe.StripeObject, "items")  # or `subscription.items` would be a method
    assert (stripe.app_info or {}).get("name") != "dj-stripe"


def test_none_of_its_own_pages_is_in_the_administration():
    shown = {model for model in admin.site._registry if model._meta.app_label == "djstripe"}
    assert shown <= set(MODELS.values())
    assert all(type(admin.site._registry[model]).__module__.startswith("apps.") for model in shown)


def test_people_and_organizations_are_not_tied_to_it():
    for model in django_apps.get_app_config("djstripe").get_models(include_auto_created=True):
        relations = [field for field in model._meta.get_fields() if field.is_relation and field.concrete]
        assert {field.related_model._meta.app_label for field in relations} <= {"djstripe"}, model


# Nothing secret ------------------------------------------------------------------------------------------------------
@pytest.fixture
def protected(db: None):
    protection = triggers.protection(connection)
    protection.install(connection)
    yield protection
    protection.remove(connection)


def refuses(work: Any) -> None:
    with pytest.raises(Exception, match="keeps nothing of this kind"), transaction.atomic():
        work()


def test_no_key_endpoint_or_event_gets_in(protected):
    refuses(lambda: APIKey.objects.create(type="secret", secret=KEY, livemode=False))
    refuses(lambda: APIKey.objects.get_or_create_by_api_key(KEY))
    refuses(lambda: WebhookEndpoint.objects.create(id="we_1", secret="whsec_x"))
    refuses(lambda: Event.objects.create(id="evt_1", data={}, type="x"))
    with pytest.raises(Product.DoesNotExist):  # its own way in keeps the key first of all, and hides why that failed
        Product.sync_from_stripe_data(product(), api_key=KEY)
    assert not APIKey.objects.exists()
    mirror("product", product())
    assert Product.objects.count() == 1


def test_no_other_table_takes_a_row(protected):
    every = django_apps.get_app_config("djstripe").get_models(include_auto_created=True)
    others = [model._meta.db_table for model in every if model not in MODELS.values()]
    assert len(others) > 40
    for table in others:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            assert cursor.fetchone() == (0,)
    assert {refusal.table for refusal in protected._all} == set(others)
    assert all(len(refusal.name) < 63 for refusal in protected._all)  # PostgreSQL cuts longer names


@pytest.mark.django_db
def test_the_migration_protects_the_tables_and_can_be_undone():
    editor = SimpleNamespace(connection=connection)
    (operation,) = migration.Migration.operations
    operation.code(django_apps, editor)
    assert health.protected()[0] == "ok"
    operation.reverse_code(django_apps, editor)
    assert health.protected()[0] == "failed"
