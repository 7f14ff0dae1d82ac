"""Every list and every page of the administration, for each kind of staff; nothing for anybody else."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import F
from django.template.response import TemplateResponse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from apps.accounts.models import Invitation, TokenFamily
from apps.core.admin_base import StaffModelAdmin
from apps.core.scope import UnscopedQueryError, unscoped
from apps.monitoring.models import Incident, IncidentTemplate, InfrastructureCost, Objective
from apps.notifications.models import AlertChannel, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.workflows.models import Run, Secret, Trigger, Workflow
from tests.common.roles import client_of
from tests.common.staff import SECRET_VALUE, action_address, list_address, row_address, staff_with
from tests.common.stripe_raw import LEAK

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
SET_UP = {
    AlertChannel,
    AlertTemplate,
    EscalationRule,
    InfrastructureCost,
    MaintenanceWindow,
}  # made, changed and deleted here
EDITABLE = {PeriodicTask, Objective, IncidentTemplate}
ADDABLE = {CrontabSchedule, Incident, IncidentTemplate}
DELETABLE = {IncidentTemplate}


def rows_of(model):
    with unscoped():
        return list(model._default_manager.order_by("pk")[:2])


def test_every_model_has_a_row_a_list_and_a_page_and_none_shows_a_secret(world, staff, organization):
    family = TokenFamily.objects.for_organization(organization).get()
    hook = Trigger.objects.for_organization(organization).get(kind="webhook")
    invitation = Invitation.objects.for_organization(organization).get()
    secret = Secret.objects.for_organization(organization).get()
    stored = Secret.objects.for_organization(organization).annotate(raw=F("value")).get().raw
    hidden = {
        SECRET_VALUE,
        LEAK,
        hook.signing_secret,
        family.current_hash,
        invitation.token_hash,
        secret.value,
        str(stored),
    }
    client = client_of(staff)
    for model in MODELS:
        rows = rows_of(model)
        assert rows, f"the world has no {model._meta.label}"
        listed = client.get(list_address(model))
        assert list(listed.context["cl"].result_list), model
        for page in (listed, *(client.get(row_address(row)) for row in rows)):
            assert page.status_code == 200, (model, page.request["PATH_INFO"])
            text = page.content.decode()
            assert not [value for value in hidden if value in text], page.request["PATH_INFO"]
            assert "md5$" not in text, page.request["PATH_INFO"]


def test_every_filter_and_every_search_answers(world, staff, monkeypatch):
    """What they choose is read, and not drawn: rows look the same however they were found."""
    client = client_of(staff)
    monkeypatch.setattr(TemplateResponse, "rendered_content", "")

    def choose(model, **words):
        answer = client.get(list_address(model), words)
        assert answer.status_code in (200, 302), (model, words)
        if answer.status_code == 200:
            list(answer.context_data["cl"].result_list)
        return answer

    for model in MODELS:
        for spec in choose(model).context_data["cl"].filter_specs:
            for parameter in spec.expected_parameters():
                choose(model, **{parameter: "1"})
        for text in ("x", "run_01m7vv2xh0e14avfxr5vk977ya", "a@example.com", "0" * 200, "'\"%_\\"):
            assert choose(model, q=text).status_code == 200, (model, text)


def test_a_secret_cannot_be_guessed_by_filters(world, staff, owner):
    client = client_of(staff)
    for address in (
        f"{list_address(type(owner))}?password__startswith=md5",
        f"{list_address(TokenFamily)}?current_hash__startswith=a",
        f"{list_address(Trigger)}?signing_secret__startswith=g",
        f"{list_address(Run)}?organization__created_by__password__startswith=m",
    ):
        assert client.get(address).status_code == 400, address


@pytest.mark.parametrize("role", ["owner", "teammate", "outsider"])
def test_customers_get_a_clear_refusal(world, role, request):
    client = client_of(request.getfixturevalue(role))
    for address in ("/admin/", *map(list_address, MODELS), "/admin/search/?s=x", "/admin/no-such-page/"):
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert "This area is for staff" in answer.content.decode()
    assert client.post(action_address(world, "cancel")).status_code == 403


def test_visitors_are_sent_to_the_login_of_everybody(world, client):
    for address in ("/admin/", list_address(Run), row_address(world), action_address(world, "cancel")):
        answer = client.get(address, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/"), address
        assert answer.status_code == 200


def test_staff_without_a_role_are_told_what_to_do(world):
    client = client_of(staff_with(""))
    assert "no staff role was given to you" in client.get("/admin/").content.decode()
    answer = client.get(list_address(Run))
    assert answer.status_code == 403
    assert "Your staff role does not allow this" in answer.content.decode()


@pytest.mark.parametrize("role", ["support", "operations", "finance", "superuser"])
def test_each_role_sees_what_it_may(world, role):
    user = staff_with(role)
    client = client_of(user)
    for model in MODELS:
        may = user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        assert client.get(list_address(model)).status_code == (200 if may else 403), model
    assert user.has_perm("workflows.view_run")
    assert client.get("/admin/").status_code == 200


def test_nothing_but_a_schedule_staff_access_and_alarms_is_editable(world, staff):
    client = client_of(staff)
    for model in [model for model in MODELS if model not in SET_UP]:
        page = admin.site._registry[model]
        assert isinstance(page, StaffModelAdmin)
        for row in rows_of(model)[:1]:
            context = client.get(row_address(row)).context
            assert model in DELETABLE or not context["has_delete_permission"], model
            changeable = model in EDITABLE or model._meta.label == "accounts.User"
            assert changeable or not context["has_change_permission"], model
            assert changeable or client.post(row_address(row), {}).status_code == 403, model
        if model not in ADDABLE:
            assert client.get(f"{list_address(model)}add/").status_code == 403, model


def test_only_our_own_pages_are_there(world):
    labels = {model._meta.label for model in MODELS}
    assert {"accounts.User", "workflows.Run", "audit.AuditEntry", "auth.Group"} <= labels
    assert not labels & {"mfa.Authenticator", "socialaccount.SocialToken", "account.EmailConfirmation"}
    assert {PeriodicTask, CrontabSchedule, IntervalSchedule, Group} <= set(MODELS)


def test_the_way_out_of_the_scope_ends_with_the_page(world, staff):
    client = client_of(staff)
    for address in ("/admin/", list_address(Workflow), row_address(world), "/admin/no-such-page/"):
        client.get(address)
        with pytest.raises(UnscopedQueryError):
            Workflow.objects.all()
