// The client with a token, without React. Only what is exported here is public.
export type { AccessOptions } from "./client.ts";
export { AccessClient } from "./client.ts";
export type { Token, TokenSource } from "./tokens.ts";
