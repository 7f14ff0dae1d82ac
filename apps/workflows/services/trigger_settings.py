"""What members do to a single trigger: switch it, and see its signing secret."""

from django.db import transaction

from apps.audit.services import record
from apps.workflows.models import Trigger


def switch_trigger(trigger: Trigger, *, enabled: bool) -> None:
    """Let one trigger fire, or not."""
    with transaction.atomic():
        changed = Trigger.objects.unscoped().filter(pk=trigger.pk, enabled=not enabled).update(enabled=enabled)
        if changed:
            code = f"workflows.triggers_{'enabled' if enabled else 'disabled'}"
            record(code, target=trigger.workflow, data={"trigger": trigger.name})
    trigger.enabled = enabled


def reveal_signing_secret(trigger: Trigger) -> str:
    """A webhook's signing secret, for a member who may see it; that it was shown is on record."""
    record("workflows.webhook_secret_shown", target=trigger.workflow, data={"trigger": trigger.name})
    return trigger.signing_secret
