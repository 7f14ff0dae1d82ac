"""What integrations contributes: ticks, checks, vendors' webhooks, and names that staff actions are recorded under."""

from datetime import timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import (
    AuditAction,
    EventType,
    Gauge,
    HealthCheck,
    ScheduledJob,
    StatusComponent,
    Tick,
    WebhookHandler,
    WebhookVerifier,
)
from apps.core.registry import register
from apps.integrations import health, retention, staff_contributions, watched
from apps.integrations.inbox.services import HANDLE_TASK
from apps.integrations.mail.services import SEND_TASK, UNDELIVERABLE
from apps.integrations.notion import syncing
from apps.integrations.notion.health import notion as notion_health
from apps.integrations.resend import webhooks as resend
from apps.integrations.stripe import watching
from apps.integrations.stripe import webhooks as stripe
from apps.integrations.stripe.health import protected

register(
    Tick(name="send_mail", task=SEND_TASK, seconds=5),
    Tick(name="handle_external_events", task=HANDLE_TASK, seconds=5),
    ScheduledJob(
        name="forget_old_mail",
        label=_("Forget the wording of old mail and events"),
        run=retention.forget_old_content,
        crontab="40 3 * * *",
        overdue_after=timedelta(days=3),
    ),
    EventType(name=UNDELIVERABLE, label=_("A mail did not reach its recipient")),
    WebhookVerifier(vendor=resend.VENDOR, verify=resend.verify),
    WebhookHandler(vendor=resend.VENDOR, event_type="*", handle=resend.handle),
    WebhookVerifier(vendor=stripe.VENDOR, verify=stripe.verify),
    WebhookHandler(vendor=stripe.VENDOR, event_type="*", handle=watching.handle),
    Tick(name="look_at_stripe", task=watching.LOOK_TASK, seconds=5),
    Tick(name="sync_notion", task=syncing.SYNC_TASK, seconds=30),
    ScheduledJob(
        name="notion_sync",
        label=_("Keep the tables at Notion up to date, and follow those that people write there"),
        run=syncing.sync_all,
        crontab="20 * * * *",
    ),
    ScheduledJob(
        name="notion_api_keys",
        label=_("Bring API keys with their calls to Notion, and forget pages that are gone there"),
        run=syncing.sync_daily,
        crontab="10 4 * * *",
    ),
    AuditAction(code="notion.table_synced", label=_("Had a table at Notion synced")),
    AuditAction(code="notion.page_retried", label=_("Had a page at Notion tried again")),
    HealthCheck(name="notion", label=_("Notion"), run=notion_health),
    AuditAction(code="mail.sent_again", label=_("Sent a mail again")),
    AuditAction(code="external_event.replayed", label=_("Replayed a vendor's event")),
    HealthCheck(name="mail_transport", label=_("Mail transport"), run=health.mail_transport),
    HealthCheck(name="mail_outbox", label=_("Mail outbox"), run=health.mail_outbox),
    HealthCheck(name="payments", label=_("Payments"), run=health.payments),
    HealthCheck(name="event_inbox", label=_("Event inbox"), run=health.event_inbox),
    HealthCheck(name="stripe_mirror", label=_("Stripe mirror"), run=protected),
    Gauge("levqor_mail_due", "Mail that is to go out now.", watched.mail),
    Gauge("levqor_mail_lag_seconds", "How late the oldest mail is.", watched.mail_lag),
    Gauge(
        "levqor_vendor_events", "Vendors' events nobody handled yet, or given up.", watched.vendor_events, ("state",)
    ),
    Gauge("levqor_webhook_lag_seconds", "How late the oldest vendor's event is.", watched.webhook_lag),
    Gauge("levqor_stripe_objects_due", "What is to be looked at at Stripe.", watched.stripe_objects),
    StatusComponent("mail", _("Mail"), _("Mail that workflows and the platform send"), watched.mail_goes_out, order=50),
)
if settings.STRIPE_API_KEY:  # where nothing can be bought there is nothing to tell
    register(
        StatusComponent(
            "payments",
            _("Payments"),
            _("Plans and invoices follow what is paid; our payment provider tells how its checkout does"),
            watched.payments_are_followed,
            order=60,
        )
    )

__all__ = ["staff_contributions"]  # imported so that its contributions are made
