"""Start a workflow and wait for its run: `python start_and_wait.py WORKFLOW`."""

import sys

from levqor_sdk import Levqor

levqor = Levqor()  # LEVQOR_API_KEY and LEVQOR_URL
run = levqor.runs.start(sys.argv[1])
run = levqor.runs.wait(run.id, timeout=60)
sys.stdout.write(f"{run.id} {run.state}\n")
for step in levqor.runs.iterate_steps(run.id):
    sys.stdout.write(f"  {step.path} {step.state}\n")
