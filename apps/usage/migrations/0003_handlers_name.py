"""Was to rename what waits for the old handler of mail about quotas. It changes nothing: old processes write such rows
after it as before it, and old workers know no new name. The old name is taken where the handler is now
(`notifications.contributions`)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_job_logs_and_heartbeats"),
        ("usage", "0002_organizationlimits_credits_and_more"),
    ]

    operations = []
