/** Where everything begins. */
import { BASE_URL } from "./built.js";
import { LevqorError } from "./errors.js";
import * as api from "./generated/index.js";
import { Keys, Notifications, Runs, Secrets, Workflows } from "./resources.js";
import { configured } from "./transport.js";

export type LevqorOptions = {
  /** An API key or an access token; else `LEVQOR_API_KEY`. */
  apiKey?: string;
  /** The platform's address; else `LEVQOR_URL`. */
  baseUrl?: string;
  /** Seconds for one attempt. */
  timeout?: number;
  /** How often a call that may be repeated is tried again. */
  maxRetries?: number;
};

/** The API of one organization, or with a sandbox key its sandbox. Make one and keep it. */
export class Levqor {
  readonly baseUrl: string;
  readonly account: api.AccountApi;
  readonly billing: api.BillingApi;
  readonly keys: Keys;
  readonly notifications: Notifications;
  readonly runs: Runs;
  readonly schemas: api.SchemasApi;
  readonly secrets: Secrets;
  readonly status: api.StatusApi;
  readonly usage: api.UsageApi;
  readonly workflows: Workflows;

  constructor(options: LevqorOptions = {}) {
    const apiKey = (options.apiKey || process.env["LEVQOR_API_KEY"] || "").trim();
    if (!apiKey) throw new LevqorError("Give an apiKey, or set LEVQOR_API_KEY.");
    this.baseUrl = (options.baseUrl || process.env["LEVQOR_URL"] || BASE_URL).replace(/\/+$/, "");
    if (!/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(this.baseUrl)) {
      throw new LevqorError("baseUrl is an address such as https://levqor.example.com");
    }
    const { timeout = 30, maxRetries = 4 } = options;
    const configuration = configured({ apiKey, baseUrl: this.baseUrl, timeout, maxRetries });
    this.account = new api.AccountApi(configuration);
    this.billing = new api.BillingApi(configuration);
    this.keys = new Keys(configuration);
    this.notifications = new Notifications(configuration);
    this.runs = new Runs(configuration, timeout - 5);
    this.schemas = new api.SchemasApi(configuration);
    this.secrets = new Secrets(configuration);
    this.status = new api.StatusApi(configuration);
    this.usage = new api.UsageApi(configuration);
    this.workflows = new Workflows(configuration);
  }
}
