from levqor_sdk import Levqor

levqor = Levqor()
run = levqor.runs.start("order-digest", {"minimum": 200})
run = levqor.runs.wait(run.id, timeout=60)
print(run.id, run.state, run.output)
