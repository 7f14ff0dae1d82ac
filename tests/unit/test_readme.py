"""What the first pages say of the whole is so."""

import re
import tomllib
from pathlib import Path

from django.conf import settings

from apps.core.kinds import VendorObjectHandler
from apps.core.registry import registry
from apps.integrations.stripe import reading
from apps.integrations.stripe.fake.world import API_VERSION

ROOT = Path(settings.BASE_DIR)
README, CONTRIBUTING = (ROOT / "README.md").read_text(), (ROOT / "CONTRIBUTING.md").read_text()
APPS = {path.parent.name for path in (ROOT / "apps").glob("*/apps.py")}
# Events are named after what they are about, but for these.
NAMED_OTHERWISE = {"subscription": "customer", "tax_id": "customer", "dispute": "charge", "payment_method": "customer"}


def test_every_folder_is_in_the_table() -> None:
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`apps/(\w+)`", row)} == APPS


def test_what_is_built_is_not_said_to_be_missing() -> None:
    missing = README.split("## What it does not do yet")[1].casefold()
    assert not [app for app in APPS if app in missing]
    assert "nothing posts to it yet" not in (ROOT / "CHANGELOG.md").read_text().casefold()


def test_the_floors_are_those_that_are_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    said = re.search(r"\*\*Floors\*\*: (.*?)\. ", CONTRIBUTING.replace("\n", " "))
    assert said is not None
    assert said[1].split(" → ") == [layer.replace("apps.", "") for layer in reversed(layers)]


def test_the_webhook_is_told_to_send_what_is_watched() -> None:
    chapter = README.split("## Take payments")[1].split("\n## ")[0]
    told = set(re.findall(r"`([a-z_.]+)\.\*`", chapter))
    watched = {handler.kind for handler in registry(VendorObjectHandler).all() if handler.vendor == "stripe"}
    assert {NAMED_OTHERWISE.get(kind, kind) for kind in watched | reading.PART_OF.keys()} == told
    assert f"({API_VERSION})" in chapter
