"""List what failed, and how many calls are left."""

import sys

from levqor_sdk import Levqor

levqor = Levqor()  # LEVQOR_API_KEY and LEVQOR_URL
for run in levqor.runs.iterate_runs(state="failed"):
    sys.stdout.write(f"{run.id} {run.workflow.slug} {run.error.message if run.error else ''}\n")
sys.stdout.write(f"{levqor.usage.get_usage().calls_remaining} calls left\n")
