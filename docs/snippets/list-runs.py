from levqor_sdk import Levqor

levqor = Levqor()
for run in levqor.runs.iterate_runs():
    print(run.id, run.workflow.slug, run.state)
