"""Mail about quotas is the work of notifications since: what was on its way to the old handler goes to the new one."""

from django.db import migrations

BEFORE, AFTER = "usage.mail_quota", "notifications.tell_quota"


def hand_over(apps, _editor):
    deliveries = apps.get_model("core", "EventDelivery").objects.filter(handler=BEFORE).exclude(state="done")
    told = apps.get_model("core", "EventDelivery").objects.filter(handler=AFTER).values("event")
    deliveries.exclude(event__in=told).update(handler=AFTER)


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_job_logs_and_heartbeats"),
        ("usage", "0002_organizationlimits_credits_and_more"),
    ]

    operations = [migrations.RunPython(hand_over, migrations.RunPython.noop)]
