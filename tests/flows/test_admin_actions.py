"""What staff do: asked first, refused without the right, done by services, on the record."""

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.accounts.models import TokenFamily, User
from apps.audit.models import AuditEntry
from apps.core.jobs import sweep
from apps.core.models import JobRun
from apps.core.scope import unscoped
from apps.integrations.models import ExternalEvent, MailMessage
from apps.workflows.models import Run, StepRun, Trigger, Workflow
from tests.common.roles import client_of, make_user
from tests.common.staff import (
    action_address,
    dead_delivery,
    failed_mail,
    list_address,
    row_address,
    staff_with,
)

pytestmark = pytest.mark.django_db


def entries(code):
    return list(AuditEntry.objects.unscoped().filter(code=code).select_related("personal"))


def do(client, row, action):
    """Ask, see the question, do it. Returns the page after."""
    asked = client.get(action_address(row, action))
    assert asked.status_code == 200
    assert str(asked.context["action"].question) in asked.content.decode()
    return client.post(action_address(row, action), follow=True)


def posted(page, **values):
    """What a browser sends when the form of a page is saved with these values."""
    sent = {}
    for inline in page.context["inline_admin_formsets"]:
        management = inline.formset.management_form
        sent |= {management.add_prefix(name): value for name, value in management.initial.items()}
        for form in inline.formset.initial_forms:
            sent[form.add_prefix(form._meta.model._meta.pk.name)] = form.instance.pk
    return {name: value for name, value in (sent | values).items() if value is not None}


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def test_a_run_is_cancelled_by_operations_and_on_the_customers_record(world, organization):
    operator = staff_with("operations")
    client = client_of(operator)
    assert client.get(action_address(world, "cancel")).status_code == 200
    assert Run.objects.for_organization(organization).get().state == "waiting", "asking does nothing"
    answer = do(client, world, "cancel")
    assert messages_of(answer) == ["Cancel run: done."]
    assert answer.redirect_chain[-1][0] == row_address(world)
    assert Run.objects.for_organization(organization).get().state == "cancelled"
    [entry] = entries("workflows.run_cancelled")
    assert (entry.organization_id, entry.actor_kind, entry.actor_id) == (organization.pk, "staff", operator.public_id)
    assert entry.target_id == world.public_id


def test_a_run_that_has_ended_is_not_cancelled_again(world, staff):
    client = client_of(staff)
    do(client, world, "cancel")
    answer = client.post(action_address(world, "cancel"), follow=True)
    assert "already ended" in messages_of(answer)[0]
    assert len(entries("workflows.run_cancelled")) == 1
    assert action_address(world, "cancel").split("?")[0] not in answer.content.decode(), "no button either"


def test_a_run_is_woken(world, staff, organization):
    do(client_of(staff), world, "wake")
    run = Run.objects.for_organization(organization).get()
    assert run.due_at is not None
    assert len(entries("workflows.run_woken")) == 1


@pytest.mark.parametrize("role", ["support", "finance"])
def test_roles_without_the_right_cannot_cancel(world, role, organization):
    client = client_of(staff_with(role))
    assert client.get(action_address(world, "cancel")).status_code == 403
    assert client.post(action_address(world, "cancel")).status_code == 403
    assert Run.objects.for_organization(organization).get().state == "waiting"
    assert "/do/cancel/" not in client.get(row_address(world)).content.decode()


def test_an_action_needs_a_form_of_our_own(world, staff, organization):
    client = client_of(staff, enforce_csrf_checks=True)
    assert client.post(action_address(world, "cancel")).status_code == 403
    assert Run.objects.for_organization(organization).get().state == "waiting"


def test_unknown_actions_and_rows_are_not_found(world, staff):
    client = client_of(staff)
    address = action_address(world, "cancel")
    for wrong in (
        action_address(world, "explode"),
        address.split("?")[0],
        f"{address}x",
        f"{address}&id=01a1f7fb8a9e75b88fda46803e94ce12",
        address.split("?")[0] + "?" + "&".join("id=1" for _ in range(101)),
    ):
        assert client.get(wrong).status_code == 404, wrong
        assert client.post(wrong).status_code == 404, wrong


def test_a_selection_leads_to_the_question_and_back_to_its_list(world, staff):
    mail = failed_mail()
    client = client_of(staff)
    address = f"{list_address(MailMessage)}?state__exact=failed"
    asked = client.post(address, {"action": "send-again", "_selected_action": [str(mail.pk)]})
    assert asked.status_code == 302
    assert MailMessage.objects.get(pk=mail.pk).state == "failed"
    done = client.post(asked["Location"])
    assert done["Location"] == address
    assert MailMessage.objects.get(pk=mail.pk).state == "queued"
    assert len(entries("mail.sent_again")) == 1


def test_nobody_is_led_elsewhere_after_an_action(world, staff):
    client = client_of(staff)
    for back in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        done = client.post(f"{action_address(world, 'wake')}&back={back}")
        assert done["Location"] == row_address(world), back


def test_dead_deliveries_and_events_are_replayed(world, staff):
    client = client_of(staff)
    delivery = dead_delivery()
    do(client, delivery, "replay")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 0)
    assert len(entries("events.delivery_replayed")) == 1
    event = ExternalEvent.objects.get()
    answer = client.post(action_address(event, "replay"), follow=True)
    assert "given up" in messages_of(answer)[0]
    ExternalEvent.objects.update(state="dead")
    do(client, event, "replay")
    assert ExternalEvent.objects.get().state == "received"
    assert len(entries("external_event.replayed")) == 1


def test_support_may_send_mail_again_and_not_replay(world):
    client = client_of(staff_with("support"))
    do(client, failed_mail(), "send-again")
    assert client.get(action_address(dead_delivery(), "replay")).status_code == 403


def test_a_job_is_ordered_paused_and_goes_on(world, staff):
    client = client_of(staff)
    task = PeriodicTask.objects.get(name="job:token_cleanup")
    before = JobRun.objects.filter(job="token_cleanup").count()
    do(client, task, "run-now")
    ordered = JobRun.objects.filter(job="token_cleanup").order_by("-slot")[0]
    assert (ordered.state, ordered.attempt) == ("running", 0)
    again = client.post(action_address(task, "run-now"), follow=True)
    assert "running already" in messages_of(again)[0]
    assert sweep() >= 1
    ordered.refresh_from_db()
    assert (ordered.state, ordered.attempt) == ("succeeded", 1)
    assert JobRun.objects.filter(job="token_cleanup").count() == before + 1
    do(client, task, "pause")
    task.refresh_from_db()
    assert not task.enabled
    refused = client.post(action_address(task, "run-now"), follow=True)
    assert "paused" in messages_of(refused)[0]
    do(client, task, "resume")
    task.refresh_from_db()
    assert task.enabled
    assert [len(entries(code)) for code in ("jobs.run_ordered", "jobs.paused", "jobs.resumed")] == [1, 1, 1]


def test_ticks_cannot_be_paused_or_edited(world, staff):
    client = client_of(staff)
    tick = PeriodicTask.objects.get(name="tick:heartbeat")
    answer = client.post(action_address(tick, "pause"), follow=True)
    assert "Only scheduled jobs" in messages_of(answer)[0]
    assert not client.get(row_address(tick)).context["has_change_permission"]


def test_a_job_gets_another_schedule(world):
    client = client_of(staff_with("operations"))
    task = PeriodicTask.objects.get(name="job:token_cleanup")
    bad = {
        "minute": "0",
        "hour": "0",
        "day_of_month": "31",
        "month_of_year": "2",
        "day_of_week": "*",
        "timezone": "UTC",
    }
    refused = client.post(f"{list_address(CrontabSchedule)}add/", bad)
    assert refused.status_code == 200
    assert "never fires" in refused.content.decode()
    made = client.post(
        f"{list_address(CrontabSchedule)}add/", {**bad, "hour": "4", "day_of_month": "*", "month_of_year": "*"}
    )
    assert made.status_code == 302
    crontab = CrontabSchedule.objects.get(hour="4", minute="0")
    saved = client.post(row_address(task), {"crontab": crontab.pk})
    assert saved.status_code == 302
    task.refresh_from_db()
    assert task.crontab == crontab
    assert task.task == "core.run_scheduled_job"
    [added] = entries("staff.row_added")
    [changed] = entries("staff.row_changed")
    assert added.data["what"] == "django_celery_beat.CrontabSchedule"
    assert changed.target_id == str(task.pk)


def test_triggers_are_paused_on_the_customers_record(world, staff, organization):
    client = client_of(staff)
    workflow = Workflow.objects.for_organization(organization).get()
    trigger = Trigger.objects.for_organization(organization).get(kind="cron")
    do(client, workflow, "pause-triggers")
    do(client, trigger, "switch-off")
    assert not Workflow.objects.for_organization(organization).get().enabled
    assert not Trigger.objects.for_organization(organization).get(kind="cron").enabled
    told = entries("workflows.triggers_disabled")
    assert [entry.organization_id for entry in told] == [organization.pk] * 2
    do(client, workflow, "resume-triggers")
    do(client, trigger, "switch-on")
    assert len(entries("workflows.triggers_enabled")) == 2


def test_support_ends_sessions_and_revokes_tokens(world, owner):
    helper = staff_with("support")
    client = client_of(helper)
    owners = client_of(owner)
    assert owners.get("/dashboard").status_code == 200
    assert UserSession.objects.filter(user=owner).count() == 2
    do(client, owner, "end-sessions")
    assert not UserSession.objects.filter(user=owner).exists()
    assert owners.get("/dashboard").status_code == 302
    do(client, owner, "revoke-tokens")
    family = TokenFamily.objects.unscoped().get(user=owner)
    assert family.reason == "revoked_by_staff"
    [entry] = entries("accounts.token_revoked")
    assert (entry.actor_kind, entry.actor_id) == ("staff", helper.public_id)
    assert client.get(action_address(owner, "deactivate")).status_code == 403


def test_one_session_and_one_token_are_ended(world, staff, owner):
    client = client_of(staff)
    do(client, UserSession.objects.get(user=owner), "end")
    do(client, TokenFamily.objects.unscoped().get(user=owner), "revoke")
    assert not UserSession.objects.filter(user=owner).exists()
    assert TokenFamily.objects.unscoped().get(user=owner).revoked_at
    assert len(entries("accounts.sessions_ended_by_staff")) == 1


def test_an_account_is_deactivated_and_comes_back(world, staff, owner):
    owners = client_of(owner)
    client = client_of(staff)
    do(client, owner, "deactivate")
    assert owners.get("/dashboard").status_code == 302
    assert not User.objects.get(pk=owner.pk).is_active
    do(client, owner, "reactivate")
    assert User.objects.get(pk=owner.pk).is_active
    assert len(entries("accounts.user_deactivated")) == len(entries("accounts.user_reactivated")) == 1


def test_verification_is_sent_again_only_where_it_is_missing(world, staff, owner):
    client = client_of(staff)
    confirmed = client.post(action_address(owner, "resend-verification"), follow=True)
    assert "is confirmed" in messages_of(confirmed)[0]
    newcomer = make_user("Nora New", verified=False)
    do(client, newcomer, "resend-verification")
    mail = MailMessage.objects.get(to=newcomer.email)
    assert not EmailAddress.objects.get(user=newcomer).verified
    page = client.get(row_address(mail)).content.decode()
    link = next(word for word in mail.text.split() if "/accounts/confirm-email/" in word)
    assert link not in page, "staff could confirm the address themselves"
    assert "/accounts/confirm-email/…" in page


def test_only_superusers_change_staff_access_and_never_their_own(world, staff, owner):
    groups = list(staff_with("operations").groups.values_list("pk", flat=True))
    client = client_of(staff)
    form = posted(client.get(row_address(owner)), is_staff="on", groups=groups)
    assert client_of(staff_with("support")).post(row_address(owner), form).status_code == 403
    assert client.post(row_address(owner), form).status_code == 302
    owner.refresh_from_db()
    assert owner.is_staff
    assert not owner.is_superuser
    assert owner.has_perm("workflows.change_run")
    [entry] = entries("accounts.staff_access_changed")
    assert entry.data["after"] == {"staff": True, "superuser": False, "roles": ["operations"]}
    assert not client.get(row_address(staff)).context["has_change_permission"]
    assert client.post(row_address(staff), {}).status_code == 403
    taken = client.post(row_address(owner), posted(client.get(row_address(owner)), groups=groups))
    assert taken.status_code == 302
    assert not User.objects.get(pk=owner.pk).groups.exists(), "who is not staff keeps no role"


def test_support_does_nothing_to_other_staff(world, staff):
    client = client_of(staff_with("support"))
    answer = client.post(action_address(staff, "end-sessions"), follow=True)
    assert "Only a superuser" in messages_of(answer)[0]


def test_the_button_to_act_as_somebody_is_for_support_and_for_customers(world, staff, owner):
    address = f"/staff/impersonate/{owner.public_id}"
    assert address in client_of(staff_with("support")).get(row_address(owner)).content.decode()
    assert address not in client_of(staff_with("operations")).get(row_address(owner)).content.decode()
    assert "/staff/impersonate/" not in client_of(staff_with("support")).get(row_address(staff)).content.decode()


def test_a_chain_is_verified_and_a_broken_one_told(world, staff, organization, monkeypatch):
    client = client_of(staff)
    entry = AuditEntry.objects.for_organization(organization).order_by("pk")[0]
    good = client.post(action_address(entry, "verify-chain"), follow=True)
    assert any("The chain holds" in text for text in messages_of(good))
    monkeypatch.setattr("apps.audit.services.digests.entry_digest", lambda entry: "0")
    bad = client.post(action_address(entry, "verify-chain"), follow=True)
    assert any("BROKEN at entry 1" in text for text in messages_of(bad))


def test_a_long_chain_is_left_to_the_nightly_job(world, staff, organization, monkeypatch):
    monkeypatch.setattr("apps.audit.admin.MOST_VERIFIED_HERE", 0)
    entry = AuditEntry.objects.for_organization(organization).order_by("pk")[0]
    client_of(staff).post(action_address(entry, "verify-chain"))
    assert JobRun.objects.filter(job="verify_audit", attempt=0).exists()


def test_history_is_the_audit_log(world, staff, organization):
    client = client_of(staff)
    do(client, world, "cancel")
    history = client.get(f"{row_address(world).removesuffix('change/')}history/", follow=True)
    assert history.status_code == 200
    assert [entry.code for entry in history.context["cl"].result_list] == ["workflows.run_cancelled"]


def test_a_pasted_id_leads_to_its_row_however_old(world, staff):
    client = client_of(staff)
    with unscoped():
        step = StepRun.objects.order_by("pk").first()
    assert client.get(list_address(Run), {"q": world.public_id})["Location"] == row_address(world)
    assert client.get(list_address(StepRun), {"q": f" {step.public_id} "})["Location"] == row_address(step)
    assert client.get(list_address(Run), {"q": step.public_id}).status_code == 200
    found = client.get("/admin/search/", {"s": world.public_id, "extended": "1"}).content.decode()
    assert row_address(world) in found


def test_people_are_found_by_address_and_name(world, staff, owner):
    client = client_of(staff)
    for words in (owner.email, owner.email[:8].upper(), "olivia"):
        found = client.get(list_address(User), {"q": words}).context["cl"].result_list
        assert [user.pk for user in found] == [owner.pk], words
    assert row_address(owner) in client.get("/admin/search/", {"s": owner.email, "extended": "1"}).content.decode()


def test_the_audit_log_is_searched_by_actor_and_target(world, staff, owner):
    client = client_of(staff)
    do(client, world, "cancel")
    address = list_address(AuditEntry)
    codes = {
        words: [entry.code for entry in client.get(address, {"q": words}).context["cl"].result_list]
        for words in (staff.email, staff.public_id, world.public_id, "nobody@example.com", "usr_nobody")
    }
    assert codes[world.public_id] == ["workflows.run_cancelled"]
    assert "workflows.run_cancelled" in codes[staff.email]
    assert codes[staff.email] == codes[staff.public_id]
    assert codes["nobody@example.com"] == codes["usr_nobody"] == []
    [entry] = entries("workflows.run_cancelled")
    assert client.get(address, {"q": entry.public_id})["Location"] == row_address(entry)


def test_search_finds_only_what_one_may_see(world, owner):
    client = client_of(staff_with(""))
    for words in (world.public_id, owner.email):
        assert str(world.pk) not in client.get("/admin/search/", {"s": words, "extended": "1"}).content.decode()
        assert str(owner.pk) not in client.get("/admin/search/", {"s": words, "extended": "1"}).content.decode()
