/** The generated operations by subject, with every list as an async iterator, and what takes several calls. */
import { WaitTimeoutError } from "./errors.js";
import * as api from "./generated/index.js";
import { pages, type Unpaged } from "./pages.js";
import { sleep } from "./retries.js";

const LONGEST_POLL = 25;
const TURN = 1; // between polls that were answered at once, because too many wait already

/** API keys. */
export class Keys extends api.KeysApi {
  iterateKeys(request: Unpaged<api.ListKeysRequest> = {}) {
    return pages((cursor) => this.listKeys({ ...request, cursor }));
  }
}

/** One's own inbox. */
export class Notifications extends api.NotificationsApi {
  iterateNotifications(request: Unpaged<api.ListNotificationsRequest> = {}) {
    return pages((cursor) => this.listNotifications({ ...request, cursor }));
  }
}

/** The vault: names out, values in. */
export class Secrets extends api.SecretsApi {
  iterateSecrets(request: Unpaged<api.ListSecretsRequest> = {}) {
    return pages((cursor) => this.listSecrets({ ...request, cursor }));
  }
}

/** Workflows and their versions. */
export class Workflows extends api.WorkflowsApi {
  iterateWorkflows(request: Unpaged<api.ListWorkflowsRequest> = {}) {
    return pages((cursor) => this.listWorkflows({ ...request, cursor }));
  }

  iterateVersions(request: Unpaged<api.ListVersionsRequest>) {
    return pages((cursor) => this.listVersions({ ...request, cursor }));
  }
}

export type StartOptions = { version?: number; priority?: api.Priority; idempotencyKey?: string };
/** Seconds; without them, as long as it takes. */
export type WaitOptions = { timeout?: number };

/** Runs and their steps. */
export class Runs extends api.RunsApi {
  constructor(
    configuration: api.Configuration,
    private readonly longest = LONGEST_POLL,
  ) {
    super(configuration);
  }

  iterateRuns(request: Unpaged<api.ListRunsRequest> = {}) {
    return pages((cursor) => this.listRuns({ ...request, cursor }));
  }

  iterateSteps(request: Unpaged<api.ListStepsRequest>) {
    return pages((cursor) => this.listSteps({ ...request, cursor }));
  }

  /** Start a run of a workflow, by id or slug. With a key of yours it starts once, whoever repeats it. */
  start(workflow: string, inputs: Record<string, unknown> = {}, options: StartOptions = {}): Promise<api.RunAnswer> {
    const { idempotencyKey, ...rest } = options;
    return this.startRun({ workflow, idempotencyKey, startRunRequest: { inputs, ...rest } });
  }

  /** Each change of a run and its steps as it happens, until the run ends. Throws `WaitTimeoutError`. */
  async *watch(run: string, options: WaitOptions = {}): AsyncGenerator<api.RunEvent, void, undefined> {
    const { timeout } = options;
    const end = timeout === undefined ? Infinity : Date.now() + timeout * 1000;
    const longest = Math.min(LONGEST_POLL, Math.max(this.longest, 0));
    for (let after = 0; ; ) {
      const asked = Date.now();
      const wait = Math.max(Math.floor(Math.min(longest, (end - asked) / 1000)), 0);
      const seen = await this.watchRun({ run, after, wait });
      yield* seen.events;
      if (seen.finished) return;
      if (Date.now() >= end) throw new WaitTimeoutError(run, timeout ?? 0);
      if (!seen.events.length && Date.now() - asked < TURN * 1000) await sleep(TURN * (0.25 + 0.75 * Math.random()));
      after = seen.revision;
    }
  }

  /** The run once it has ended, well or not: see its `state`. Throws `WaitTimeoutError`; the run goes on then. */
  async wait(run: string, options: WaitOptions = {}): Promise<api.RunAnswer> {
    for await (const _change of this.watch(run, options));
    return this.getRun({ run });
  }
}
