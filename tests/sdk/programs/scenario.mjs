// What a user's program does with the TypeScript client: JSON requests in, JSON answers out, one a line.
import { createInterface } from "node:readline";
import { inspect } from "node:util";
import { ApiError, Levqor, LevqorError } from "@levqor/sdk";

async function all(rows, pick) {
  const found = [];
  for await (const row of rows) found.push(pick(row));
  return found;
}

const scenarios = {
  ping: async (client) => (await client.usage.ping()).ok,
  public_metrics: async (client) => {
    const { health, components } = await client.status.getPublicMetrics();
    return [health, components.map((component) => component.id)];
  },
  run_to_its_end: async (client, { workflow, inputs }) => {
    const started = await client.runs.start(workflow, inputs, { priority: "high" });
    const run = await client.runs.wait(started.id, { timeout: 30 });
    const steps = await all(client.runs.iterateSteps({ run: run.id, limit: 1 }), (step) => step.path);
    return { state: run.state, output: run.output, priority: run.priority, steps };
  },
  start: async (client, { workflow, inputs, times = 1, key }) => {
    const ids = [];
    for (let time = 0; time < times; time += 1) {
      ids.push((await client.runs.start(workflow, inputs, { idempotencyKey: key })).id);
    }
    return ids;
  },
  list_runs: (client, filters) => all(client.runs.iterateRuns(filters), (run) => run.id),
  list_the_rest: async (client, { workflow }) => ({
    keys: await all(client.keys.iterateKeys(), (key) => key.shown),
    secrets: await all(client.secrets.iterateSecrets({ limit: 1 }), (secret) => secret.name),
    workflows: (await all(client.workflows.iterateWorkflows({ limit: 1 }), (found) => found.slug)).sort(),
    versions: await all(client.workflows.iterateVersions({ workflow, limit: 1 }), (version) => version.number),
  }),
  get_run: async (client, { run }) => (await client.runs.getRun({ run })).state,
  cancel_run: async (client, { run }) => (await client.runs.cancelRun({ run })).state,
  create_workflow: async (client, { source }) =>
    (await client.workflows.createWorkflow({ createWorkflowRequest: { source } })).slug,
  switch_off: async (client, { workflow }) =>
    (await client.workflows.changeWorkflow({ workflow, changeWorkflowRequest: { enabled: false } })).enabled,
  put_secret: async (client, { name, value }) =>
    (await client.secrets.putSecret({ name, putSecretRequest: { value } })).name,
  buy_credits: async (client, { quantity }) => {
    const ordered = await client.billing.purchaseCredits({ creditsWantedRequest: { quantity } });
    const order = await client.billing.getOrder({ orderId: ordered.id });
    const left = (await client.billing.getCredits()).remaining;
    return {
      same: order.id === ordered.id && order.checkoutUrl === ordered.checkoutUrl,
      status: order.status,
      wish: [order.price, order.quantity, order.calls, order.amount, order.currency],
      credits: order.credits,
      paid_at: order.paidAt,
      left,
    };
  },
  get_order: async (client, { order }) => (await client.billing.getOrder({ orderId: order })).status,
  wait: async (client, { run, timeout }) => (await client.runs.wait(run, { timeout })).state,
  show: async (client) => inspect(client, { depth: 20, showHidden: true }) + JSON.stringify(client) + String(client),
};

async function answerTo({ name, options, arguments: given }) {
  const { api_key: apiKey, base_url: baseUrl, max_retries: maxRetries, timeout } = options;
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  try {
    const result = await scenarios[name](new Levqor({ apiKey, baseUrl, maxRetries, timeout }), given);
    return { result, seconds: seconds() };
  } catch (error) {
    if (!(error instanceof LevqorError)) throw error;
    const answer = { error: error.name, said: error.message, seconds: seconds() };
    if (!(error instanceof ApiError)) return answer;
    const { status, code, detail, errors, requestId = null, retryAfter = null } = error;
    return { ...answer, status, code, detail, errors, request_id: requestId, retry_after: retryAfter };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answerTo(JSON.parse(line))));
}
