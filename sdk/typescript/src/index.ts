export { VERSION } from "./built.js";
export { Levqor, type LevqorOptions } from "./client.js";
export * from "./errors.js";
export type { StartOptions, WaitOptions } from "./resources.js";
export type * from "./generated/models/index.js";
