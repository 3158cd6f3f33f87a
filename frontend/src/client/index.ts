// The client, without React. Only what is exported here is public.
export type { CallOptions, ClientOptions, ClientState, PageOptions } from "./client.ts";
export { Client } from "./client.ts";
export type { Clock, Environment, Presence, Timer } from "./environment.ts";
export type { ConnectionStatus } from "./follower.ts";
export type { Job, JobDetail } from "./jobs.ts";
export type { Outcome, OwnCode, Problem } from "./problems.ts";
export type * from "./schemas.ts";
export { ENDED, RETRYABLE } from "./schemas.ts";
