"""Recording, verifying and erasing."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Model

from apps.audit import digests, services, triggers
from apps.audit.errors import AppendOnlyError, AuditDataError
from apps.audit.models import AuditChain, AuditEntry, AuditPersonalData
from apps.audit.selectors import chain_names, entries_for, entries_of_user
from apps.audit.services import ERASED, Who, record, verify_chain
from apps.core.context import bound
from apps.core.models import DomainEvent
from apps.core.registry import RegistryError
from apps.core.scope import UnscopedQueryError
from tests.common.threads import run_in_threads, shared_database
from tests.unit.audit.conftest import ORGANIZATION, OTHER

ANN = Who("user", "usr_ann", "ann@example.com")
BOB = Who("user", "usr_bob", "bob@example.com")


def tamper(sql: str, *params: Any) -> None:
    """Change the table as somebody with the database password would."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        assert cursor.rowcount == 1


@pytest.mark.django_db
class TestRecord:
    def test_an_unregistered_action_raises(self) -> None:
        with pytest.raises(RegistryError, match=r"test\.unknown"):
            record("test.unknown")
        assert not AuditEntry.objects.unscoped().exists()

    def test_who_where_and_when_come_from_the_context(self) -> None:
        realm = uuid.uuid4()
        with bound(
            actor_kind="user",
            actor_id="usr_ann",
            actor_label="ann@example.com",
            impersonator_id="usr_staff",
            ip="192.0.2.7",
            request_id="req-1",
            organization_id=ORGANIZATION,
            realm_id=realm,
        ):
            record("test.done")
        entry = entries_for(ORGANIZATION).get()
        assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("user", "usr_ann", "ann@example.com")
        assert (entry.impersonator_id, entry.ip, entry.request_id) == ("usr_staff", "192.0.2.7", "req-1")
        assert (entry.organization_id, entry.realm_id, entry.sequence) == (ORGANIZATION, realm, 1)

    def test_what_is_given_beats_the_context(self) -> None:
        target = DomainEvent.objects.create(name="something")
        with bound(actor_kind="user", actor_id="usr_ann", organization_id=OTHER):
            entry = record("test.done", actor=BOB, target=target, organization_id=ORGANIZATION)
        assert entry.actor_id == "usr_bob"
        assert (entry.target_type, entry.target_id) == ("core.domainevent", target.public_id)
        assert entries_for(ORGANIZATION).get().target_label == str(target)
        assert not entries_for(OTHER).exists()

    def test_an_actor_may_be_a_row_or_carry_a_user(self) -> None:
        row = DomainEvent.objects.create(name="stands for a user")

        class Acting:
            user = row

        for actor in (row, Acting()):
            entry = record("test.done", actor=actor)
            assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("user", row.public_id, str(row))

    def test_without_anybody_it_was_the_system(self) -> None:
        assert record("test.done").actor_kind == "system"

    def test_personal_members_are_kept_apart(self) -> None:
        record("test.invited", data={"email": "eve@example.com", "role": "viewer"})
        entry = AuditEntry.objects.unscoped().get()
        assert entry.data == {"role": "viewer"}
        assert entry.full_data == {"role": "viewer", "email": "eve@example.com"}
        assert set(entry.personal_digests) == {"data.email"}

    def test_it_stands_or_falls_with_the_change(self) -> None:
        with transaction.atomic():
            record("test.done", organization_id=ORGANIZATION)
            transaction.set_rollback(True)
        assert not entries_for(ORGANIZATION).exists()
        assert record("test.done", organization_id=ORGANIZATION).sequence == 1

    def test_each_organization_has_its_own_chain(self) -> None:
        sequences = [
            record("test.done", organization_id=at).sequence for at in (ORGANIZATION, OTHER, None, ORGANIZATION)
        ]
        assert sequences == [1, 1, 1, 2]
        assert chain_names() == sorted([str(ORGANIZATION), str(OTHER), "platform"])

    def test_too_much_data_is_refused(self) -> None:
        with pytest.raises(AuditDataError, match="8000"):
            record("test.done", data={f"k{number}": "x" * 900 for number in range(10)})

    def test_entries_are_scoped(self) -> None:
        record("test.done", organization_id=ORGANIZATION)
        with pytest.raises(UnscopedQueryError):
            AuditEntry.objects.count()


@pytest.mark.django_db
class TestAppendOnly:
    def test_the_model_refuses(self) -> None:
        entry = record("test.done", organization_id=ORGANIZATION)
        entry.code = "test.invited"
        with pytest.raises(AppendOnlyError):
            entry.save()
        with pytest.raises(AppendOnlyError):
            entry.delete()
        rows = AuditEntry.objects.for_organization(ORGANIZATION)
        with pytest.raises(AppendOnlyError):
            rows.update(code="test.invited")
        with pytest.raises(AppendOnlyError):
            rows.delete()
        with pytest.raises(AppendOnlyError):
            rows.bulk_update([entry], ["code"])
        assert entries_for(ORGANIZATION).get().code == "test.done"


@pytest.mark.django_db
class TestVerification:
    @pytest.fixture(autouse=True)
    def _five_entries(self) -> None:
        for number in range(5):
            record("test.invited", actor=ANN, organization_id=ORGANIZATION, data={"number": number, "email": "e@x.org"})

    def test_an_untouched_chain_holds(self) -> None:
        report = verify_chain(ORGANIZATION)
        assert (report.ok, report.entries, report.erased, report.broken_at) == (True, 5, 0, None)

    def test_an_empty_chain_holds(self) -> None:
        assert verify_chain(OTHER) == services.ChainReport(str(OTHER), 0, 0)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("code", "test.done"),
            ("actor_id", "usr_bob"),
            ("actor_kind", "staff"),
            ("impersonator_id", "usr_x"),
            ("target_id", "x"),
            ("request_id", "x"),
            ("data", '{"number": 7}'),
            ("personal_digests", "{}"),
            ("created_at", "2020-01-01 00:00:00+00:00"),
            ("realm_id", "01890000000070008000000000000009"),
        ],
    )
    def test_a_changed_entry_is_named(self, column: str, value: str) -> None:
        tamper(f"UPDATE audit_auditentry SET {column} = %s WHERE sequence = 3", value)
        report = verify_chain(ORGANIZATION)
        assert report.broken_at == 3
        assert report.broken_entry == AuditEntry.objects.unscoped().get(sequence=3).public_id
        assert report.reason == "its content was changed"

    def test_a_changed_entry_with_a_new_digest_breaks_the_next_link(self) -> None:
        entry = AuditEntry.objects.unscoped().get(sequence=3)
        entry.code = "test.done"
        tamper(
            "UPDATE audit_auditentry SET code = 'test.done', digest = %s WHERE sequence = 3",
            digests.entry_digest(entry),
        )
        report = verify_chain(ORGANIZATION)
        assert (report.broken_at, report.reason) == (4, "it does not follow the entry before it")

    def test_a_removed_entry_is_named(self) -> None:
        tamper(
            "DELETE FROM audit_auditpersonaldata WHERE entry_id = (SELECT id FROM audit_auditentry WHERE sequence = 3)"
        )
        tamper("DELETE FROM audit_auditentry WHERE sequence = 3")
        report = verify_chain(ORGANIZATION)
        assert (report.broken_at, report.reason) == (3, "entry 3 is missing")

    def test_a_cut_off_end_is_seen(self) -> None:
        tamper(
            "DELETE FROM audit_auditpersonaldata WHERE entry_id = (SELECT id FROM audit_auditentry WHERE sequence = 5)"
        )
        tamper("DELETE FROM audit_auditentry WHERE sequence = 5")
        report = verify_chain(ORGANIZATION)
        assert (report.ok, report.broken_at) == (False, 5)

    def test_a_head_set_back_or_removed_is_seen(self) -> None:
        tamper("UPDATE audit_auditchain SET sequence = 2")
        assert verify_chain(ORGANIZATION).broken_at == 3
        tamper("DELETE FROM audit_auditchain")
        assert verify_chain(ORGANIZATION).broken_at == 1
        assert chain_names() == [str(ORGANIZATION)]

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("actor_label = 'eve@example.com'", "its personal member actor_label was changed"),
            ('data = \'{"email": "eve@example.com"}\'', "its personal member data.email was changed"),
            ('data = \'{"email": "e@x.org", "name": "Eve"}\'', "its personal member data.name was added"),
            ("actor_label = ''", "its personal member actor_label was changed"),
        ],
    )
    def test_a_changed_personal_value_is_named(self, change: str, reason: str) -> None:
        tamper(
            f"UPDATE audit_auditpersonaldata SET {change.replace('%', '%%')} "
            "WHERE entry_id = (SELECT id FROM audit_auditentry WHERE sequence = 2)"
        )
        report = verify_chain(ORGANIZATION)
        assert (report.broken_at, report.reason) == (2, reason)


@pytest.mark.django_db
class TestErasure:
    def test_a_person_disappears_and_the_chain_stays_whole(self) -> None:
        ann_as_target = DomainEvent.objects.create(name="ann")
        with bound(ip="192.0.2.7"):
            record(
                "test.invited", actor=ANN, organization_id=ORGANIZATION, data={"email": "eve@example.com", "role": "x"}
            )
            record("test.done", actor=BOB, organization_id=ORGANIZATION)
            record("test.done", actor=BOB, target=ann_as_target, organization_id=ORGANIZATION)
        assert services.erase_user("usr_ann") == 1
        assert services.erase_user(ann_as_target.public_id) == 1

        first, second, third = entries_for(ORGANIZATION).order_by("sequence")
        assert (first.actor_label, first.ip, first.full_data) == ("", None, {"role": "x"})
        assert first.actor_id == "usr_ann"  # the pseudonym stays
        assert (second.actor_label, second.ip) == ("bob@example.com", "192.0.2.7")
        assert (third.actor_label, third.target_label) == ("bob@example.com", "")
        report = verify_chain(ORGANIZATION)
        assert (report.ok, report.erased) == (True, 2)
        assert not AuditPersonalData.objects.filter(pk=first.pk).exists()

    def test_whom_or_what_they_acted_on_keeps_its_name(self) -> None:
        target = DomainEvent.objects.create(name="somebody else")
        record("test.done", actor=ANN, target=target, organization_id=ORGANIZATION)
        services.erase_user("usr_ann")
        entry = entries_for(ORGANIZATION).get()
        assert (entry.actor_label, entry.target_label) == ("", str(target))
        assert verify_chain(ORGANIZATION).ok

    def test_nothing_of_the_person_is_left_in_the_database(self) -> None:
        with bound(ip="192.0.2.7"):
            record("test.invited", actor=ANN, organization_id=ORGANIZATION, data={"email": "eve@example.com"})
        services.erase_user("usr_ann")
        rows = [*AuditEntry.objects.unscoped().values_list(), *AuditPersonalData.objects.values_list()]
        assert "example.com" not in str(rows)
        assert "192.0.2.7" not in str(rows)

    def test_the_erasure_is_recorded(self) -> None:
        record("test.done", actor=ANN, organization_id=ORGANIZATION)
        services.erase_user("usr_ann")
        entry = AuditEntry.objects.for_organization(None).get()
        assert (entry.code, entry.data) == (ERASED, {"subject": "usr_ann", "entries": 1})

    def test_erasing_twice_touches_nothing_more(self) -> None:
        record("test.done", actor=ANN, organization_id=ORGANIZATION)
        assert [services.erase_user("usr_ann"), services.erase_user("usr_ann")] == [1, 0]

    def test_entries_of_a_user_are_those_by_and_about_them(self) -> None:
        target = DomainEvent.objects.create(name="ann")
        with bound(actor_kind="user", actor_id=target.public_id):
            record("test.done", organization_id=ORGANIZATION)
        record("test.done", target=target, organization_id=OTHER)
        record("test.done", actor=BOB, organization_id=OTHER)
        assert entries_of_user(target.public_id).count() == 2


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_gapless_chain(tmp_path: Path) -> None:
    tables: list[type[Model]] = [AuditChain, AuditEntry, AuditPersonalData]

    def write() -> list[int]:
        return [record("test.done", actor=ANN, organization_id=ORGANIZATION).sequence for _number in range(25)]

    def read() -> tuple[list[int], services.ChainReport]:
        return list(entries_for(ORGANIZATION).values_list("sequence", flat=True)), verify_chain(ORGANIZATION)

    with shared_database(tmp_path, *tables):
        one, other = run_in_threads(write, write)
        ((stored, report),) = run_in_threads(read)
    assert sorted(one + other) == list(range(1, 51))
    assert sorted(stored) == list(range(1, 51))
    assert report.ok


@pytest.mark.django_db(transaction=True)
def test_verification_runs_while_others_write(tmp_path: Path) -> None:
    with shared_database(tmp_path, AuditChain, AuditEntry, AuditPersonalData):

        def write() -> None:
            for _number in range(40):
                record("test.done", organization_id=ORGANIZATION)

        def verify() -> list[services.ChainReport]:
            return [verify_chain(ORGANIZATION) for _number in range(40)]

        _nothing, reports = run_in_threads(write, verify)
    assert [report.reason for report in reports if not report.ok] == []


@pytest.mark.django_db
class TestTriggers:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        triggers.entries.install(connection)

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE audit_auditentry SET code = 'x'",
            "UPDATE audit_auditentry SET data = '{}'",
            "DELETE FROM audit_auditentry",
        ],
    )
    def test_the_database_refuses(self, sql: str) -> None:
        record("test.done", organization_id=ORGANIZATION)
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
        assert entries_for(ORGANIZATION).get().code == "test.done"

    def test_recording_and_erasing_still_work(self) -> None:
        record("test.invited", actor=ANN, organization_id=ORGANIZATION, data={"email": "e@x.org"})
        assert services.erase_user("usr_ann") == 1
        assert verify_chain(ORGANIZATION).ok

    def test_they_can_be_looked_for_and_installed_again(self) -> None:
        triggers.entries.install(connection)
        assert triggers.entries.installed(connection)
        triggers.entries.remove(connection)
        assert not triggers.entries.installed(connection)

    def test_postgresql_refuses_to_empty_the_table(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
        with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("TRUNCATE audit_auditentry CASCADE")
