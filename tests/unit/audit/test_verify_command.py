"""`manage.py verify_audit`, the nightly job and the doctor's line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit import health, triggers
from apps.audit.services import record
from apps.core.clock import now
from tests.unit.audit.conftest import ORGANIZATION, OTHER

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("verify_audit", *args, stdout=out)
    return out.getvalue()


def spoil() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditentry SET code = 'x' WHERE chain = %s", [str(ORGANIZATION)])


@pytest.fixture(autouse=True)
def _entries() -> None:
    record("test.done", organization_id=ORGANIZATION)
    record("test.done", organization_id=OTHER)


def test_whole_chains() -> None:
    assert "2 chains hold" in run()


def test_a_broken_chain_is_named_and_ends_with_exit_code_1() -> None:
    spoil()
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 chains are broken") as failure:
        call_command("verify_audit", stdout=out)
    assert failure.value.returncode == 1
    assert f"BROKEN  {ORGANIZATION}: entry 1 aud_" in out.getvalue()
    assert f"ok      {OTHER}: 1 entries" in out.getvalue()


def test_one_organization_alone() -> None:
    spoil()
    assert "1 chains hold" in run("--organization", str(OTHER))


def test_the_nightly_job_fails_loudly() -> None:
    assert health.verify_all(now()) == "2 chains with 2 entries hold"
    spoil()
    with pytest.raises(health.BrokenChainError, match=f"{ORGANIZATION} is broken at entry 1"):
        health.verify_all(now())


def test_the_doctor_misses_the_triggers() -> None:
    assert health.append_only()[0] == "failed"
    triggers.entries.install(connection)
    assert health.append_only()[0] == "ok"
