import uuid
from collections.abc import Iterator

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from apps.core.scope import OrganizationManager, UnscopedQueryError, unscoped

HERE, THERE = uuid.uuid4(), uuid.uuid4()

with isolate_apps("apps.core"):

    class Note(models.Model):
        """An organization-owned row that may belong to another."""

        organization_id = models.UUIDField()
        parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="notes")

        objects = OrganizationManager["Note"]()

        class Meta:
            app_label = "core"

        def __str__(self) -> str:
            return str(self.pk)


@pytest.fixture
def notes(transactional_db: None) -> Iterator[list[Note]]:
    with connection.schema_editor() as editor:
        editor.create_model(Note)
    first = Note.objects.create(organization_id=HERE)
    yield [first, Note.objects.create(organization_id=HERE, parent=first), Note.objects.create(organization_id=THERE)]
    with connection.schema_editor() as editor:
        editor.delete_model(Note)


def test_a_read_names_its_organization(notes: list[Note]) -> None:
    assert set(Note.objects.for_organization(HERE)) == set(notes[:2])
    assert set(Note.objects.for_organization(THERE)) == {notes[2]}
    assert not Note.objects.for_organization(uuid.uuid4()).exists()


@pytest.mark.parametrize("reads", ["all", "count", "first", "get", "exists", "filter"])
def test_a_read_that_names_none_is_a_mistake(reads: str) -> None:
    with pytest.raises(UnscopedQueryError, match=r"Note\.objects needs \.for_organization"):
        getattr(Note.objects, reads)()


def test_the_ways_out_are_words(notes: list[Note]) -> None:
    assert Note.objects.unscoped().count() == 3
    with unscoped():
        assert Note.objects.count() == 3
    with pytest.raises(UnscopedQueryError):
        Note.objects.count()


def test_the_way_out_ends_with_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), unscoped():
        raise ZeroDivisionError
    with pytest.raises(UnscopedQueryError):
        Note.objects.all()


def test_relations_are_scoped_by_where_they_start(notes: list[Note]) -> None:
    assert list(notes[0].notes.all()) == [notes[1]]  # type: ignore[attr-defined] # reverse relation of an isolated model


def test_rows_can_be_saved_refreshed_and_deleted(notes: list[Note]) -> None:
    notes[2].organization_id = HERE
    notes[2].save()
    notes[2].refresh_from_db()
    assert Note.objects.for_organization(HERE).count() == 3
    notes[0].delete()
    assert Note.objects.for_organization(HERE).count() == 1


def test_many_rows_can_be_inserted(notes: list[Note]) -> None:
    Note.objects.bulk_create([Note(organization_id=THERE) for _ in range(3)], batch_size=2)
    assert Note.objects.for_organization(THERE).count() == 4
