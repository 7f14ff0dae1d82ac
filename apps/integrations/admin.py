"""Staff pages of what goes out, what comes in, and what is looked at."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin
from apps.core.kinds import WebhookVerifier
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, json_block, link, state_tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, OrganizationIdFilter, PeriodFilter
from apps.integrations.inbox import services as inbox
from apps.integrations.mail.preview import without_keys
from apps.integrations.mail.services import send_again
from apps.integrations.models import ExternalEvent, MailMessage, StripeObject
from apps.integrations.notion import admin as notion_pages
from apps.integrations.stripe import admin as stripe_pages
from apps.integrations.stripe.dashboard import dashboard_url
from apps.integrations.stripe.watching import replay

MAIL_TONES = {
    "queued": "wait",
    "sending": "go",
    "sent": "ok",
    "delivered": "ok",
    "bounced": "bad",
    "complained": "bad",
    "failed": "bad",
    "unknown": "wait",
}
OBJECT_TONES = {"waiting": "wait", "seen": "ok", "dead": "bad"}
EVENT_TONES = {"received": "wait", "handled": "ok", "dead": "bad"}
AGAIN = (MailMessage.State.FAILED, MailMessage.State.UNKNOWN)


@admin.register(MailMessage)
class MailMessageAdmin(StaffModelAdmin):
    """The outbox. Links that would let somebody in are cut out of what staff see."""

    list_display = ("subject_line", "to", "template", "shown_state", "attempts", "organization_link", "created")
    list_filter = (
        PeriodFilter,
        ("state", ChoicesDropdownFilter),
        OrganizationIdFilter,
        ("created_at", DaysFilter),
    )
    list_defer = ("text", "html", "headers")
    search_fields = ("to__icontains", "provider_message_id__exact")
    search_help_text = _("Address, vendor's id or mail_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("to", "from_address"),
                    ("subject_line", "template"),
                    ("organization_link", "request_id"),
                )
            },
        ),
        (
            _("Sending"),
            {
                "fields": (
                    ("created", "sent"),
                    ("attempts", "due"),
                    ("outcome", "provider_message_id"),
                    "shown_error",
                )
            },
        ),
        (_("As HTML"), {"fields": ("html_preview",)}),
        (_("As text"), {"fields": ("text_preview",)}),
    )
    staff_actions = (
        StaffAction(
            name="send-again",
            label=_("Send again"),
            question=_("A worker tries once more. After an unknown outcome the recipient may get the mail twice."),
            permission="integrations.change_mailmessage",
            do=lambda request, row: send_again(row),
            icon="forward_to_inbox",
            audit="mail.sent_again",
            applies=lambda row: row.state in AGAIN,
        ),
    )

    @display(description=_("subject"))
    def subject_line(self, obj: MailMessage) -> str:
        """What it is about."""
        return without_keys(obj.subject)

    @display(description=_("state"))
    def shown_state(self, obj: MailMessage) -> str:
        """In words and colour."""
        return state_tag(obj, MAIL_TONES)

    @display(description=_("sent"))
    def sent(self, obj: MailMessage) -> str:
        """When it left."""
        return when(obj.sent_at)

    @display(description=_("next try"))
    def due(self, obj: MailMessage) -> str:
        """When it is tried next."""
        return when(obj.due_at if obj.state == MailMessage.State.QUEUED else None)

    @display(description=_("outcome told"))
    def outcome(self, obj: MailMessage) -> str:
        """When the vendor told what became of it."""
        return when(obj.outcome_at)

    @display(description=_("last error"))
    def shown_error(self, obj: MailMessage) -> str:
        """Why it did not go out."""
        return text_block(obj.last_error)

    @display(description=_("HTML part"))
    def html_preview(self, obj: MailMessage) -> str:
        """In a frame without scripts, forms, links or pictures from elsewhere."""
        if not obj.html:
            return NOTHING
        return format_html(
            '<iframe class="staff-mail" sandbox="" title="{}" srcdoc="{}"></iframe>',
            _("The mail as HTML"),
            without_keys(obj.html),
        )

    @display(description=_("text part"))
    def text_preview(self, obj: MailMessage) -> str:
        """As it was written."""
        return text_block(without_keys(obj.text))


class VendorFilter(KnownValuesFilter):
    """By vendor, from the registry."""

    title = _("vendor")
    parameter_name = "vendor"

    def options(self) -> Any:
        """From the registry."""
        return [(verifier.vendor, verifier.vendor) for verifier in registry(WebhookVerifier).all()]


@admin.register(ExternalEvent)
class ExternalEventAdmin(StaffModelAdmin):
    """The inbox of vendors' events."""

    list_display = ("short_id", "vendor", "type", "external_id", "shown_state", "attempts", "received")
    list_filter = (PeriodFilter, ("state", ChoicesDropdownFilter), VendorFilter, ("received_at", DaysFilter))
    list_defer = ("payload",)
    search_fields = ("external_id__exact",)
    search_help_text = _("Vendor's id or xev_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("full_id", "shown_state"),
                    ("vendor", "type"),
                    "external_id",
                    ("received", "handled"),
                    ("attempts", "due"),
                )
            },
        ),
        (_("Last error"), {"fields": ("shown_error",)}),
        (_("Payload"), {"fields": ("shown_payload",)}),
    )
    staff_actions = (
        StaffAction(
            name="replay",
            label=_("Replay"),
            question=_("The handlers get the event once more, with a fresh number of attempts."),
            permission="integrations.change_externalevent",
            do=lambda request, row: inbox.replay(row),
            icon="replay",
            audit="external_event.replayed",
            applies=lambda row: row.state == ExternalEvent.State.DEAD,
        ),
    )

    @display(description=_("state"))
    def shown_state(self, obj: ExternalEvent) -> str:
        """In words and colour."""
        return state_tag(obj, EVENT_TONES)

    @display(description=_("received"))
    def received(self, obj: ExternalEvent) -> str:
        """When it came in."""
        return when(obj.received_at)

    @display(description=_("handled"))
    def handled(self, obj: ExternalEvent) -> str:
        """When its handlers were done."""
        return when(obj.handled_at)

    @display(description=_("next try"))
    def due(self, obj: ExternalEvent) -> str:
        """When it is tried next."""
        return when(obj.due_at if obj.state == ExternalEvent.State.RECEIVED else None)

    @display(description=_("error"))
    def shown_error(self, obj: ExternalEvent) -> str:
        """All of it."""
        return text_block(obj.last_error)

    @display(description=_("payload"))
    def shown_payload(self, obj: ExternalEvent) -> str:
        """As JSON."""
        return json_block(obj.payload)


@admin.register(StripeObject)
class StripeObjectAdmin(StaffModelAdmin):
    """What is looked at at Stripe: one row an object, however often it was told of."""

    list_display = ("object_id", "kind", "shown_state", "noted", "attempts", "due", "seen")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_before_template = None
    search_fields = ("object_id__exact",)
    search_help_text = _("Stripe's id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("object_link", "kind"),
                    ("shown_state", "noted"),
                    ("attempts", "due"),
                    ("seen", "looked_at_until"),
                    "shown_error",
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="look-again",
            label=_("Look again"),
            question=_("A worker fetches it from Stripe and hands it on, with a fresh number of attempts."),
            permission="integrations.change_stripeobject",
            do=lambda request, row: replay(row),
            icon="replay",
            audit="stripe_object.replayed",
            applies=lambda row: row.state == StripeObject.State.DEAD,
        ),
    )

    @display(description=_("object"))
    def object_link(self, obj: StripeObject) -> str:
        """Its id, which leads to Stripe's page where a real key is used."""
        url = dashboard_url(obj.kind, obj.object_id)
        return link(url, obj.object_id) if url else obj.object_id

    @display(description=_("state"))
    def shown_state(self, obj: StripeObject) -> str:
        """In words and colour."""
        return state_tag(obj, OBJECT_TONES)

    @display(description=_("next look"))
    def due(self, obj: StripeObject) -> str:
        """When it is looked at next."""
        return when(obj.due_at if obj.state == StripeObject.State.WAITING else None)

    @display(description=_("seen"))
    def seen(self, obj: StripeObject) -> str:
        """When it was looked at last."""
        return when(obj.seen_at)

    @display(description=_("a worker has it until"))
    def looked_at_until(self, obj: StripeObject) -> str:
        """While it is looked at."""
        return when(obj.lease_until)

    @display(description=_("last error"))
    def shown_error(self, obj: StripeObject) -> str:
        """Why it was not handed on."""
        return text_block(obj.last_error)


__all__ = ["notion_pages", "stripe_pages"]  # imported so that they are registered
