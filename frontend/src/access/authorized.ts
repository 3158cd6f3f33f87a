// Requests, WebSockets and event streams that carry a token.
import type { Environment } from "../client/environment.ts";
import type { Token, Tokens } from "./tokens.ts";

const OPEN = 1;
const CLOSED = 2;
/** Close codes of docs/protocol.md, and that of a connection which broke. */
const SIGN_IN = 4401;
const RESTART = 1012;
const BROKEN = 1006;

/** What the client needs from the browser, with the token in each request and a ticket in the address of each stream. */
export function authorized(
  environment: Environment,
  tokens: Tokens,
): Pick<Environment, "fetch" | "webSocket" | "eventSource"> {
  async function send(url: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    for (;;) {
      const token = await tokens.get();
      if (token === null) return signedOut();
      const headers = { ...(init?.headers as Record<string, string>), Authorization: `Bearer ${token}` };
      const response = await environment.fetch(url, { ...init, headers });
      if (response.status !== 401) tokens.accepted(token);
      // With Retry-After the token is not refused: the server does not know its key yet.
      else if (!response.headers.get("Retry-After") && (await tokens.replace(token))) continue;
      return response;
    }
  }

  /** The address of a stream with a new ticket, which is valid once. Rejects without a ticket. */
  async function withTicket(url: string): Promise<string> {
    const tickets = url.replace(/^ws/, "http").replace(/\/v1\/download.*/, "/v1/access/tickets");
    const response = await send(tickets, { method: "POST" });
    if (response.status === 403) return url; // an open server has no tickets, and needs none
    if (!response.ok) throw response;
    return `${url}${url.includes("?") ? "&" : "?"}ticket=${(await response.json()).ticket}`;
  }

  /** The access of a connection with this token expires soon. `renewed` is called with each new token. */
  function renew(used: Token, renewed: () => void): void {
    if (used !== tokens.current) renewed();
    else tokens.renew().catch(() => {}); // it is called again when the connection has ended
  }

  function webSocket(url: string, protocol: string): WebSocket {
    let socket: WebSocket | undefined;
    let used: Token;
    let closed = false;
    const facade = {
      get readyState() {
        return socket?.readyState ?? 0;
      },
      onopen: null as (() => void) | null,
      onmessage: null as ((event: MessageEvent) => void) | null,
      onclose: null as ((event: { code: number }) => void) | null,
      send: (text: string) => socket?.send(text),
      close() {
        closed = true;
        unsubscribe();
        socket?.close();
      },
    };
    const unsubscribe = tokens.subscribe(reauthenticate);

    /** On the same socket, so that nothing is missed. The server responds only if it does not accept the token. */
    function reauthenticate(): void {
      if (socket?.readyState !== OPEN) return;
      used = tokens.current;
      socket.send(JSON.stringify({ type: "reauth", token: used }));
    }

    function lost(code: number): void {
      const wasClosed = closed;
      facade.close();
      if (!wasClosed) facade.onclose?.({ code: tokens.signedOut ? SIGN_IN : code });
    }

    async function open(): Promise<void> {
      const address = await withTicket(url);
      if (closed) return;
      used = tokens.current;
      socket = environment.webSocket(address, protocol);
      socket.onopen = () => facade.onopen?.();
      socket.onmessage = (event) => {
        if (/^.{0,9}"reauth"/.test(event.data)) renew(used, reauthenticate);
        facade.onmessage?.(event);
      };
      socket.onclose = async ({ code }) => {
        if (code !== SIGN_IN) return lost(code);
        await withTicket(url).catch(() => {}); // shows whether access has ended, or only that of this connection
        lost(RESTART);
      };
    }

    open().catch(() => lost(BROKEN));
    return facade as unknown as WebSocket;
  }

  function eventSource(url: string): EventSource {
    const listeners: [type: string, listener: (event: MessageEvent) => void][] = [];
    let source: EventSource | undefined;
    let used: Token;
    let closed = false;
    const facade = {
      readyState: 0,
      onerror: null as (() => void) | null,
      addEventListener: (...added: (typeof listeners)[0]) => listeners.push(added),
      close() {
        closed = true;
        unsubscribe();
        source?.close();
      },
    };
    const unsubscribe = tokens.subscribe(() => source && reopen());

    function lost(readyState: number): void {
      facade.readyState = tokens.signedOut ? CLOSED : readyState;
      if (!closed) facade.onerror?.();
    }

    async function open(): Promise<void> {
      const address = await withTicket(url);
      if (closed) return;
      source?.close();
      used = tokens.current;
      const opened = environment.eventSource(address);
      source = opened;
      for (const [type, listener] of listeners) opened.addEventListener(type, listener as EventListener);
      opened.addEventListener("reauth", () => renew(used, reopen));
      opened.onerror = () => lost(opened.readyState);
    }

    /** Replaces the stream. The new one begins where the first began: its first events may be known already. */
    function reopen(): void {
      open().catch(() => lost(0));
    }

    reopen();
    return facade as unknown as EventSource;
  }

  return { fetch: send, webSocket, eventSource };
}

/** What the server would respond, without asking it again. */
function signedOut(): Response {
  const message = "Your access has ended. Sign in again.";
  const body = { error: "unauthenticated", title: message, message };
  return new Response(JSON.stringify(body), {
    status: 401,
    headers: { "Content-Type": "application/problem+json" },
  });
}
