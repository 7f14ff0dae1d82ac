/** How every generated operation calls the API: with a key where it takes one, again where that is safe. */
import { randomUUID } from "node:crypto";

import { IDEMPOTENT, VERSION } from "./built.js";
import { ConnectionFailedError, LevqorError, UnexpectedAnswerError, problemIn, refusal } from "./errors.js";
import { Configuration } from "./generated/runtime.js";
import { isPassing, isSafe, pause, retryAfter, sleep } from "./retries.js";

const KEY = "Idempotency-Key";

export type Settings = { apiKey: string; baseUrl: string; timeout: number; maxRetries: number };

/** What generated classes are made with. */
export function configured(settings: Settings): Configuration {
  return new Configuration({
    basePath: settings.baseUrl,
    accessToken: async () => settings.apiKey,
    fetchApi: (url, init) => send(settings, String(url), init ?? {}),
    middleware: [
      {
        onError: async ({ error }) => {
          if (error instanceof LevqorError) throw error; // generated code would wrap it
        },
      },
    ],
  });
}

async function send(settings: Settings, url: string, init: RequestInit): Promise<Response> {
  const method = init.method ?? "GET";
  const headers = new Headers(init.headers);
  headers.set("User-Agent", `levqor-sdk-typescript/${VERSION} (Node ${process.versions.node})`);
  const path = url.slice(settings.baseUrl.length).split("?")[0] ?? "";
  // One key for each logical call: whatever is repeated below is the same request.
  if (!headers.has(KEY) && IDEMPOTENT.some((taking) => taking.method === method && taking.path.test(path))) {
    headers.set(KEY, randomUUID());
  }
  const place = settings.apiKey.startsWith("lvq_test_") ? url.replace("/api/v1/", "/api/sandbox/v1/") : url;
  const left = isSafe(method, headers.has(KEY)) ? settings.maxRetries : 0;
  for (let attempt = 0; ; attempt += 1) {
    let response: Response | undefined;
    let failure: unknown;
    let told: number | undefined;
    try {
      response = await whole(place, { ...init, headers }, settings.timeout);
    } catch (error) {
      failure = error;
    }
    if (response) {
      const code = response.status === 409 ? (await problemIn(response.clone()))["code"] : "";
      if (!isPassing(response.status, code)) return answered(response);
      told = retryAfter(response.headers.get("Retry-After"));
    }
    const wait = attempt < left ? pause(attempt, told) : undefined;
    if (wait === undefined) {
      if (response) return answered(response);
      throw new ConnectionFailedError(`${method} ${url}: ${reason(failure)}`, { cause: failure });
    }
    await sleep(wait);
  }
}

/** An answer with its body, so that one that breaks off counts as none. A redirect is not followed: it would carry the key. */
async function whole(url: string, init: RequestInit, timeout: number): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: "manual", signal: AbortSignal.timeout(timeout * 1000) });
  const body = await response.arrayBuffer();
  return new Response(response.status === 204 || response.status === 304 ? null : body, response);
}

async function answered(response: Response): Promise<Response> {
  if (!response.ok) throw await refusal(response);
  const text = await response.clone().text();
  try {
    if (text) JSON.parse(text);
  } catch (cause) {
    throw new UnexpectedAnswerError(`The answer (${response.status}) is no JSON`, { cause });
  }
  return response;
}

function reason(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const cause = (failure as { cause?: unknown }).cause;
  return cause instanceof Error && cause.message ? cause.message : failure.message;
}
