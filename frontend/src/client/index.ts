// The client, without React. What is exported here is the public interface; everything else may change.
export type { AskOptions, ClientOptions, ClientState, PageOptions } from "./clients.ts";
export { Client } from "./clients.ts";
export type { Connection } from "./followers.ts";
export type { Job, JobDetail } from "./jobs.ts";
export type { Outcome, OwnCode, Problem } from "./problems.ts";
export type * from "./schemas.ts";
export { ENDED, RETRYABLE } from "./schemas.ts";
export type { Clock, Senses, Surroundings, Timer } from "./surroundings.ts";
