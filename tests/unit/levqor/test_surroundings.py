"""Nothing of an installation on this machine, neither its `.env` nor its environment, reaches a test."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from levqor.env import ROOT, Environment
from tests.common.platform import Platform
from tests.common.surroundings import bare_environment

GIVEN = {"LEVQOR_VAR", "DATABASE_URL", "REDIS_URL"}  # where tests may work: their caller says it
HOSTILE = {
    "LEVQOR_ENV": "production",
    "SITE_URL": "https://levqor.example",
    "ALLOWED_HOSTS": "levqor.example",
    "PROXY_HOPS": "3",
    "DATABASE_URL": "postgresql://levqor@db.levqor.example/prod",
    "REDIS_URL": "redis://redis.levqor.example/0",
    "MAIL_TRANSPORT": "resend",
    "RESEND_API_KEY": "re_1",
    "GOOGLE_CLIENT_ID": "id",
    "GOOGLE_CLIENT_SECRET": "secret",
    "PORT": "no number",
}
# What a test process reads, where the project's own folder has the `.env` of the first argument.
LOOK = """
import json, pathlib, sys
from levqor import env
env.ROOT = pathlib.Path(sys.argv[1])
from django.conf import settings
print(json.dumps(settings.ENV.model_dump(mode="json")))
"""


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in HOSTILE.items()))
    return tmp_path


def look(folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if name not in Environment.model_fields}
    inherited.pop("LEVQOR_ENV_FILE", None)
    return subprocess.run(
        [sys.executable, "-c", LOOK, str(folder)],
        cwd=ROOT,
        env={**inherited, "LEVQOR_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "levqor.settings.test", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def defaults(folder: Path) -> dict[str, object]:
    """Without any file, without any variable."""
    empty = folder / "empty"
    empty.mkdir()
    found = look(empty)
    assert found.returncode == 0, found.stderr
    return dict(json.loads(found.stdout), LEVQOR_VAR=str(folder))


def test_tests_read_no_env_file(installation: Path) -> None:
    spoiled = look(installation, DJANGO_SETTINGS_MODULE="levqor.settings.local")
    assert (spoiled.returncode, "bad setting: PORT" in spoiled.stderr) == (2, True)  # else this test proves nothing
    for variables in ({}, {"LEVQOR_ENV_FILE": str(installation / ".env")}):
        found = look(installation, **variables)
        assert found.returncode == 0, found.stderr
        assert json.loads(found.stdout)["DATABASE_URL"] == ""
    assert json.loads(found.stdout) == defaults(installation)


def test_tests_inherit_no_setting(installation: Path) -> None:
    found = look(installation, **{name: value for name, value in HOSTILE.items() if name not in GIVEN})
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == defaults(installation)


def test_what_tests_start_inherits_no_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {**HOSTILE, "LEVQOR_ENV_FILE": "/else", "LEVQOR_TOKEN": "t"}.items():
        monkeypatch.setenv(name, value)
    ours = {*Environment.model_fields, "DJANGO_SETTINGS_MODULE", "LEVQOR_TOKEN"}
    bare = bare_environment(PORT="18000")
    assert {name: bare[name] for name in ours if name in bare} == {"PORT": "18000"}
    assert bare["LEVQOR_ENV_FILE"] == ""
    platform = Platform(tmp_path, {"PORT": "18001"}).environment
    assert platform["LEVQOR_ENV_FILE"] == ""
    assert {name for name in ours if name in platform} == {"PORT", "LEVQOR_VAR", "DEMO"}


def test_the_checks_inherit_no_setting(tmp_path: Path) -> None:
    """Those that `make check` runs without pytest, which has settings of its own."""
    (tmp_path / "seen").write_text("seen: ; @$(CLEAN_ENV) env\n")
    seen = subprocess.run(
        ["make", "--no-print-directory", "-f", "Makefile", "-f", str(tmp_path / "seen"), "seen"],
        cwd=ROOT,
        env={**os.environ, **HOSTILE, "LEVQOR_ENV_FILE": "/else"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = dict(line.split("=", 1) for line in seen.splitlines() if "=" in line)
    assert set(found) & set(Environment.model_fields) == {"LEVQOR_VAR"}
    assert found["LEVQOR_ENV_FILE"] == ""
    told = subprocess.run(["make", "-n", "-B", "check"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    commands = [line for line in told.splitlines() if "manage.py" in line]
    assert len(commands) == 3
    assert all("LEVQOR_ENV_FILE= " in line for line in commands)
