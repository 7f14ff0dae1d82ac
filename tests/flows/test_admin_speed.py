"""Lists of the administration ask the database the same number of questions for 10 rows and for 2,000."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from djstripe.models import Charge, Customer

from apps.audit.models import AuditEntry
from apps.audit.services import Who, record
from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.models import DomainEvent, EventDelivery, JobRun
from apps.core.scope import unscoped
from apps.integrations.models import ExternalEvent, MailMessage
from apps.monitoring.models import Objective, SloSample
from apps.monitoring.services.slo import ensure_objectives
from apps.workflows.models import Run, StepRun, Workflow
from tests.common.roles import client_of, make_organization
from tests.common.staff import list_address, make_run, row_address

pytestmark = pytest.mark.django_db
MANY = 2_000
MOST_QUERIES = 12


def questions(client, address, **query):
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address, query)
    assert response.status_code == 200
    return len(captured), [entry["sql"] for entry in captured], response


def copies(row, number, **changes):
    """Copies of a row with new keys (and whatever must differ)."""
    model = type(row)
    values = {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
    with unscoped():
        model._default_manager.bulk_create(
            [model(**{**values, "id": new_id(), **{k: make(i) for k, make in changes.items()}}) for i in range(number)],
            batch_size=500,
        )


@pytest.fixture
def grow(organization, owner):
    """Grows every big table by so many rows, of several organizations."""
    run = make_run(organization, owner)
    with unscoped():
        step = StepRun.objects.filter(run=run).first()
        workflow = Workflow.objects.get(pk=run.workflow_id)
    organizations = [make_organization(owner, f"Customer {number}") for number in range(5)]
    record("accounts.profile_changed", actor=Who("user", "usr_x", "a@example.com"), organization_id=organization.pk)

    def rows(number):
        some = lambda index: organizations[index % 5].pk  # noqa: E731 - a name for a table's column
        copies(workflow, number, slug=lambda i: f"w-{new_id()}", organization_id=some)
        copies(run, number, idempotency_key=lambda i: None, organization_id=some)
        copies(step, number, path=lambda i: f"s{new_id()}", organization_id=some)
        event = DomainEvent.objects.first() or DomainEvent.objects.create(name="run_finished")
        copies(event, number, organization_id=some)
        moment = now()
        EventDelivery.objects.bulk_create(
            [EventDelivery(event=event, handler=f"h{new_id()}", due_at=moment) for _index in range(number)]
        )
        MailMessage.objects.bulk_create(
            [
                MailMessage(idempotency_key=str(new_id()), to="a@example.com", due_at=moment, organization_id=some(i))
                for i in range(number)
            ]
        )
        ExternalEvent.objects.bulk_create(
            [
                ExternalEvent(vendor="resend", external_id=str(new_id()), due_at=moment, received_at=moment)
                for _index in range(number)
            ]
        )
        JobRun.objects.bulk_create(
            [
                JobRun(
                    job="token_cleanup",
                    slot=moment - timedelta(seconds=int(new_id()) % 10**9 / 1000 + i),
                    started_at=moment,
                )
                for i in range(number)
            ]
        )
        payers = Customer.objects.bulk_create([Customer(id=f"cus_{new_id()}") for _index in range(number)])
        Charge.objects.bulk_create(
            [Charge(id=f"ch_{new_id()}", amount=1, currency="usd", customer=payer, created=moment) for payer in payers]
        )
        entries = AuditEntry.objects.unscoped()
        last = entries.order_by("-sequence").first()
        copies(last, number, sequence=lambda i: last.sequence + 1 + i, organization_id=some)

    return rows


BIG = (Workflow, Run, StepRun, DomainEvent, EventDelivery, MailMessage, ExternalEvent, JobRun, AuditEntry, Charge)


def test_lists_cost_the_same_at_ten_and_two_thousand_rows(grow, staff):
    client = client_of(staff)
    grow(10)
    client.get("/admin/")
    few = {model: questions(client, list_address(model))[0] for model in BIG}
    grow(MANY)
    for model in BIG:
        many, statements, response = questions(client, list_address(model))
        assert len(list(response.context["cl"].result_list)) == 50, model
        assert many == few[model] <= MOST_QUERIES, (model, "\n".join(statements))


def test_no_list_counts_or_reads_a_whole_table(grow, staff):
    client = client_of(staff)
    grow(60)
    for model in BIG:
        table = model._meta.db_table
        _number, statements, _response = questions(client, list_address(model))
        mine = [statement for statement in statements if f'FROM "{table}"' in statement]
        assert mine, model
        assert all("LIMIT" in statement for statement in mine), (model, mine)


def test_the_list_of_runs_leaves_the_heavy_columns(grow, staff):
    _number, statements, _response = questions(client_of(staff), list_address(Run))
    rows = [statement for statement in statements if '"workflows_run"."state"' in statement]
    assert rows
    assert not any('"workflows_run"."output"' in statement for statement in rows)


def test_a_long_run_is_paged_and_its_page_costs_the_same(grow, staff, organization):
    client = client_of(staff)
    with unscoped():
        step = StepRun.objects.select_related("run").order_by("pk").first()
    run = step.run
    client.get(row_address(run))  # content types are remembered from here on
    few, _statements, _response = questions(client, row_address(run))
    copies(step, 500, path=lambda i: f"each[{i}].s", position=lambda i: i)
    many, statements, response = questions(client, row_address(run))
    assert many == few <= 16, "\n".join(statements)
    text = response.content.decode()
    assert "each[0].s" in text
    assert "each[400].s" not in text
    assert "each[400].s" in client.get(row_address(run), {"steps-page": "17"}).content.decode()


@pytest.mark.parametrize(("address", "most"), [("/admin/", 40), ("/admin/operations/", 25)])
def test_the_first_pages_cost_the_same_however_much_there_is(address, most, grow, staff):
    client = client_of(staff)
    ensure_objectives()
    grow(10)
    look_at_objectives(1)
    client.get(address)
    few, _statements, _response = questions(client, address)
    grow(300)
    look_at_objectives(300)
    many, statements, _response = questions(client, address)
    assert many == few <= most, "\n".join(statements)


def look_at_objectives(count):
    moment = now() - timedelta(hours=count)
    SloSample.objects.bulk_create(
        SloSample(objective=one, at=moment - timedelta(minutes=5 * number), total=9, bad=1, p95_ms=40)
        for one in Objective.objects.all()
        for number in range(count)
    )


def test_more_rows_than_are_counted_are_told_so(grow, staff, monkeypatch):
    monkeypatch.setattr("apps.core.staff.lists.MOST_COUNTED", 100)
    grow(150)
    client = client_of(staff)
    response = client.get(list_address(Run))
    assert "More than 100 runs" in response.content.decode()
    assert client.get(list_address(Run), {"p": "2"}).status_code == 200
    assert client.get(list_address(Run), {"p": "3"}).status_code == 302
