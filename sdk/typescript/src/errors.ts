/** What can go wrong, as types. What the API refuses carries its problem document (RFC 9457). */
import { retryAfter } from "./retries.js";

export type ProblemDocument = Record<string, unknown>;
export type InputError = { path: string; message: string; code?: string; [member: string]: unknown };

/** Everything that this package throws. */
export class LevqorError extends Error {
  override name = this.constructor.name;
}

/** No answer came: whether the server did something is not known, unless the call carried an idempotency key. */
export class ConnectionFailedError extends LevqorError {}

/** The answer is not what the API's document promises; a proxy between may have sent it. */
export class UnexpectedAnswerError extends LevqorError {}

/** The run had not ended when the time to wait was over. It goes on. */
export class WaitTimeoutError extends LevqorError {
  constructor(
    readonly run: string,
    seconds: number,
  ) {
    super(`${run} has not ended within ${seconds} s`);
  }
}

/** A refusal. `code` is stable and made for programs, `detail` for people; `errors` says where input is wrong. */
export class ApiError extends LevqorError {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: InputError[];
  readonly requestId: string | undefined;
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly status: number,
    readonly problem: ProblemDocument,
    headers: Headers,
  ) {
    const text = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : "");
    const code = text("code") || `http_${status}`;
    super(`${status} ${code}: ${text("detail") || text("title") || "no explanation came with it"}`);
    this.code = code;
    this.title = text("title");
    this.detail = text("detail");
    this.errors = Array.isArray(problem["errors"]) ? (problem["errors"] as InputError[]) : [];
    this.requestId = text("request_id") || headers.get("X-Request-Id") || undefined;
    this.retryAfter = retryAfter(headers.get("Retry-After"));
  }
}

/** 400: the request is malformed. */
export class BadRequestError extends ApiError {}
/** 401: the key is missing, wrong, expired or revoked. */
export class NotAuthenticatedError extends ApiError {}
/** 403: the key does not go that far, or not from this network. */
export class ForbiddenError extends ApiError {}
/** 404: no such thing, or not of this organization. */
export class NotFoundError extends ApiError {}
/** 409: the present state forbids it. */
export class ConflictError extends ApiError {}
/** 422: the values do not fit; `errors` says where. */
export class InvalidInputError extends ApiError {}
/** 429: too many calls in this minute, or the quota is used up; `retryAfter` says when it passes. */
export class RateLimitedError extends ApiError {}
/** 5xx: the platform failed or is being restarted. */
export class ServerError extends ApiError {}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequestError,
  401: NotAuthenticatedError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  422: InvalidInputError,
  429: RateLimitedError,
};

/** The error of an answer that is no success. */
export async function refusal(response: Response): Promise<ApiError> {
  const kind = BY_STATUS[response.status] ?? (response.status >= 500 ? ServerError : ApiError);
  return new kind(response.status, await problemIn(response), response.headers);
}

/** The problem document, or nothing where something else came. */
export async function problemIn(response: Response): Promise<ProblemDocument> {
  try {
    const found: unknown = JSON.parse(await response.text());
    return typeof found === "object" && found !== null ? (found as ProblemDocument) : {};
  } catch {
    return {};
  }
}
