/** Whether to try again, and after how long. */
const FIRST = 0.5;
const LONGEST = 8;
const LONGEST_RETRY_AFTER = 60;
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const IN_USE = "idempotency_key_in_use";

/** Whether a call may be sent twice: by its method, or because its key makes it happen once. */
export function isSafe(method: string, hasKey: boolean): boolean {
  return SAFE_METHODS.has(method) || (method === "POST" && hasKey);
}

/** Whether an answer may be another one soon. A key in use is our own first attempt, still under way. */
export function isPassing(status: number, code: unknown): boolean {
  return status === 429 || status >= 500 || (status === 409 && code === IN_USE);
}

/** Seconds until the next attempt: full jitter, on top of what the server told. None: that is too long to sit out. */
export function pause(attempt: number, told: number | undefined): number | undefined {
  const jitter = Math.random() * Math.min(LONGEST, FIRST * 2 ** attempt);
  if (told === undefined) return jitter;
  return told <= LONGEST_RETRY_AFTER ? told + jitter : undefined;
}

/** The header's seconds; it may name a moment instead. */
export function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : Math.max((moment - Date.now()) / 1000, 0);
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
