import type { Outcome } from "../client/index.ts";
import type { components } from "../client/openapi.ts";

type Schemas = components["schemas"];
export type Share = Schemas["ShareItem"];
export type ShareCreated = Schemas["ShareCreated"];
export type NewShare = Schemas["NewShare"];

/** Share links of jobs, for servers whose users sign in: elsewhere the stable link is enough. */
export interface Sharing {
  list(jobId: string): Promise<Outcome<{ shares: Share[] }>>;
  create(jobId: string, share: NewShare): Promise<Outcome<ShareCreated>>;
  revoke(jobId: string, id: string): Promise<Outcome<unknown>>;
}
