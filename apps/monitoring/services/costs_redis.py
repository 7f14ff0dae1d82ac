"""What Redis does, by the hour, and what its provider takes for it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _

from apps.core.redis_client import redis_client
from apps.core.templatetags.levqor import number
from apps.monitoring.figures import cents
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import KeyValueHour
from apps.usage.periods import hour_of

COMMANDS, GIGABYTE = 100_000, 10**9
HOURS_OF_A_MONTH = 730
CENTS = 100
KEPT = timedelta(days=400)


def kv_costs(slot: datetime) -> str:
    """The job: what Redis did since the hour before. Raises the library's error when it does not answer."""
    client = redis_client()
    if client is None:
        return _("no Redis here: queue and cache are files and tables")
    row = store(hour_of(slot), client.info())
    KeyValueHour.objects.filter(hour__lt=row.hour - KEPT).delete()
    return _("%(commands)s commands, %(memory)s MB, %(cost)s cents") % {
        "commands": number(row.commands),
        "memory": number(row.memory_bytes / 10**6, 1),
        "cost": f"{row.cost:.4f}",
    }


def store(hour: datetime, told: dict[str, object]) -> KeyValueHour:
    """Keep an hour by what Redis says about itself. The first look has nothing to compare with: it counts none."""
    total, server = int(str(told["total_commands_processed"])), str(told.get("run_id", ""))
    memory = int(str(told.get("used_memory", 0)))
    before = KeyValueHour.objects.filter(hour__lt=hour).order_by("-hour").first()
    commands = 0
    if before is not None:
        began_anew = before.server != server or total < before.commands_total
        commands = total if began_anew else total - before.commands_total
    values = {
        "commands": commands,
        "commands_total": total,
        "server": server[:40],
        "memory_bytes": memory,
        "cost": cost_of(commands, memory),
    }
    row, _created = KeyValueHour.objects.update_or_create(hour=hour, defaults=values)
    return row


def cost_of(commands: int, memory: int) -> Decimal:
    """Cents for so many commands, and for an hour of so many bytes."""
    by_command = Decimal(commands) / COMMANDS * settings.REDIS_COMMANDS_PRICE
    by_memory = Decimal(memory) / GIGABYTE * settings.REDIS_MEMORY_PRICE / HOURS_OF_A_MONTH
    return ((by_command + by_memory) * CENTS).quantize(Decimal("1e-8"))


def cost_of_day(day: date) -> int | None:
    """Its hours together, rounded once. None where Redis has no such price, or no hour was seen."""
    if not (settings.REDIS_COMMANDS_PRICE or settings.REDIS_MEMORY_PRICE):
        return None
    span = whole_days(day, day)
    rows = KeyValueHour.objects.filter(hour__gt=span.start, hour__lte=span.end)
    total = rows.aggregate(sum=Sum("cost"))["sum"]
    return None if total is None else cents(total)
