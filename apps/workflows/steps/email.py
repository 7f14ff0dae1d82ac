"""`email`: order a mail in the transaction that records the step, so that it is ordered exactly once."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import StepType
from apps.integrations.mail.services import checked_recipients, queue_mail
from apps.workflows.definition.texts import as_text, text_field
from apps.workflows.engine.contract import Result, StepCall, StepFailure
from apps.workflows.services.room import MAIL_TEMPLATE, check_room_for_mail

MOST_SUBJECT = 300
SCHEMA = {
    "type": "object",
    "properties": {
        "to": {
            "type": ["string", "array"],
            "items": {"type": "string", "maxLength": 254},
            "minItems": 1,
            "maxItems": 50,
            "description": "an address, or a list of them",
        },
        "subject": text_field(MOST_SUBJECT),
        "text": text_field(100_000),
    },
    "required": ["to", "subject", "text"],
    "additionalProperties": False,
}


def run(call: StepCall) -> Any:
    """Order the mail. Output: {to, subject}."""
    check_room_for_mail(call.organization_id)
    recipients, subject, text = _mail(call)

    def order() -> None:
        queue_mail(
            MAIL_TEMPLATE,
            recipients,
            {"subject": subject, "text": text, "workflow_name": call.workflow_name, "run_id": call.run_public_id},
            idempotency_key=f"step:{call.idempotency_key}",
            organization_id=call.organization_id,
        )

    return Result({"to": recipients, "subject": subject}, write=order)


def mock(call: StepCall) -> Any:
    """The same, but for the mail: a sandbox sends none."""
    recipients, subject, _text = _mail(call)
    return Result({"to": recipients, "subject": subject})


def _mail(call: StepCall) -> tuple[list[str], str, str]:
    """Recipients, subject and text. Raises `StepFailure`, `InvalidInputError`."""
    recipients = checked_recipients(call.config["to"])
    subject, text = as_text(call.config["subject"]), as_text(call.config["text"])
    if not 1 <= len(subject) <= MOST_SUBJECT:
        raise StepFailure("invalid_step_input", f"subject: it has {len(subject)} characters, not 1 to {MOST_SUBJECT}")
    return recipients, subject, text


EMAIL = StepType(name="email", label=_("Email"), schema=SCHEMA, run=run, effect="transaction", mock=mock)
