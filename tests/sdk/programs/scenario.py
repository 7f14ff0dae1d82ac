"""What a user's program does with the Python client: JSON requests in, JSON answers out, one a line."""

import json
import sys
import time

from levqor_sdk import ApiError, Levqor, LevqorError
from levqor_sdk.generated.models.change_workflow_request import ChangeWorkflowRequest
from levqor_sdk.generated.models.create_workflow_request import CreateWorkflowRequest
from levqor_sdk.generated.models.credits_wanted_request import CreditsWantedRequest
from levqor_sdk.generated.models.put_secret_request import PutSecretRequest


def ping(client):
    return client.usage.ping().ok


def public_metrics(client):
    metrics = client.status.get_public_metrics()
    return [metrics.health.value, [component.id for component in metrics.components]]


def run_to_its_end(client, workflow, inputs):
    run = client.runs.wait(client.runs.start(workflow, inputs, priority="high").id, timeout=30)
    steps = [step.path for step in client.runs.iterate_steps(run.id, limit=1)]
    return {"state": run.state, "output": run.output, "priority": run.priority, "steps": steps}


def start(client, workflow, inputs, times=1, key=None):
    return [client.runs.start(workflow, inputs, idempotency_key=key).id for _time in range(times)]


def list_runs(client, **filters):
    return [run.id for run in client.runs.iterate_runs(**filters)]


def list_the_rest(client, workflow):
    return {
        "keys": [key.shown for key in client.keys.iterate_keys()],
        "secrets": [secret.name for secret in client.secrets.iterate_secrets(limit=1)],
        "workflows": sorted(found.slug for found in client.workflows.iterate_workflows(limit=1)),
        "versions": [version.number for version in client.workflows.iterate_versions(workflow, limit=1)],
    }


def get_run(client, run):
    return str(client.runs.get_run(run).state)


def cancel_run(client, run):
    return str(client.runs.cancel_run(run).state)


def create_workflow(client, source):
    return client.workflows.create_workflow(create_workflow_request=CreateWorkflowRequest(source=source)).slug


def switch_off(client, workflow):
    return client.workflows.change_workflow(workflow, ChangeWorkflowRequest(enabled=False)).enabled


def put_secret(client, name, value):
    return client.secrets.put_secret(name, PutSecretRequest(value=value)).name


def buy_credits(client, quantity):
    ordered = client.billing.purchase_credits(CreditsWantedRequest(quantity=quantity))
    order = client.billing.get_order(ordered.id)
    left = client.billing.get_credits().remaining
    return {
        "same": order.id == ordered.id and order.checkout_url == ordered.checkout_url,
        "status": str(order.status),
        "wish": [order.price, order.quantity, order.calls, order.amount, order.currency],
        "credits": order.credits,
        "paid_at": order.paid_at,
        "left": left,
    }


def get_order(client, order):
    return str(client.billing.get_order(order).status)


def wait(client, run, timeout):
    return str(client.runs.wait(run, timeout=timeout).state)


def show(client, value):
    request = PutSecretRequest(value=value)
    return " ".join((repr(client), str(client), repr(request), str(request), repr(vars(client))))


def answer_to(asked):
    began = time.monotonic()
    try:
        answer = {"result": globals()[asked["name"]](Levqor(**asked["options"]), **asked["arguments"])}
    except LevqorError as error:
        answer = {"error": type(error).__name__, "said": str(error)}
        if isinstance(error, ApiError):
            names = ("status", "code", "detail", "errors", "request_id", "retry_after")
            answer |= {name: getattr(error, name) for name in names}
    return {**answer, "seconds": time.monotonic() - began}


for line in sys.stdin:
    sys.stdout.write(json.dumps(answer_to(json.loads(line))) + "\n")
    sys.stdout.flush()
