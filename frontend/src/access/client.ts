// A client with a token: for pages of other origins, and wherever there is no session cookie.
import { type CallOptions, Client, type ClientOptions } from "../client/client.ts";
import { browserEnvironment } from "../client/environment.ts";
import type { Outcome } from "../client/problems.ts";
import type { Accepted, FileSelection, Preflight } from "../client/schemas.ts";
import { authorized } from "./authorized.ts";
import { claimsOf } from "./claims.ts";
import { createTokens, type TokenSource, type Tokens } from "./tokens.ts";

export interface AccessOptions extends ClientOptions {
  token: TokenSource;
  /**
   * Called once, when the server has refused a token and the next one, too, or there is none. The client then sends
   * nothing more, and all calls return the problem `unauthenticated`: sign in again, and make another client.
   */
  onSignedOut?: (() => void) | undefined;
}

/** A client that sends a token with all that it does. */
export class AccessClient extends Client {
  readonly #tokens: Tokens;

  constructor({ token, onSignedOut = () => {}, environment, ...options }: AccessOptions) {
    const whole = { ...browserEnvironment(), ...environment };
    const tokens = createTokens(token, whole.clock, onSignedOut);
    super({ ...options, environment: { ...whole, ...authorized(whole, tokens) } });
    this.#tokens = tokens;
  }

  /** Loads the token anew, if it is given by a function: followed jobs go on with it over the same WebSocket. */
  renew(): Promise<void> {
    return this.#tokens.renew().catch(() => {});
  }

  /** As of `Client`. Without ids, all files that the grant names. */
  override async start(selection: FileSelection = {}, options?: CallOptions): Promise<Outcome<Accepted>> {
    return super.start(await this.#withFiles(selection), options);
  }

  /** As of `Client`. Without ids, all files that the grant names. */
  override async preflight(selection: FileSelection = {}, options?: CallOptions): Promise<Outcome<Preflight>> {
    return super.preflight(await this.#withFiles(selection), options);
  }

  async #withFiles(selection: FileSelection): Promise<FileSelection> {
    if (selection.file_ids || selection.files) return selection;
    const token = await this.#tokens.get().catch(() => null); // the request that follows reports it
    const ids = token && claimsOf(token).grant?.files;
    return ids ? { ...selection, file_ids: ids } : selection;
  }
}
