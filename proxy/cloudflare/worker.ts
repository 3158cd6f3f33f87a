/**
 * Haulage behind a Cloudflare Worker, for gateways that are reachable at an address of their own.
 *
 * - Cloudflare ends a request whose first byte takes longer than 100 s (error 524). `POST /v1/download/start` may wait
 *   longer, so the gateway is asked to return the job after `START_WAIT` seconds at the latest (RFC 7240).
 * - No response of the gateway is kept in Cloudflare's cache. WebSockets and event streams pass through as they are.
 * - A request that did not reach the gateway is sent once more if it may be sent twice: GET, HEAD, and a POST with an
 *   Idempotency-Key.
 * - Files in forms and by tus go to `INTAKE` as they arrive, if it is set. Cloudflare limits the size of a request.
 * - A Worker can't keep the client's `Host`: set the gateway's PUBLIC_URL to the Worker's address.
 */

export interface Env {
  /** The gateway's address, such as `https://origin.example.org`, with its root path if that is to be added. */
  ORIGIN: string;
  /** The intake's address; without it, the gateway tells clients what to do. */
  INTAKE?: string;
}

/** Seconds after which a `start` is to be answered; Cloudflare waits 100 s for the first byte. */
const START_WAIT = 90;
const START = "/v1/download/start";
const FILE = /\/(v1\/upload\/(form|tus(\/.*)?)|(?<!\/v1\/)upload)$/;
/** Statuses with which Cloudflare reports that it could not connect to a server: refused, timed out, unreachable. */
const UNREACHED = new Set([521, 522, 523]);

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const url = new URL(request.url);
    const isFile = FILE.test(url.pathname);
    const origin = new URL(isFile && env.INTAKE ? env.INTAKE : env.ORIGIN);
    const target = new URL(origin.pathname.replace(/\/$/, "") + url.pathname + url.search, origin);
    const headers = new Headers(request.headers);
    // What clients send here is replaced: else anybody could claim any address.
    const address = headers.get("CF-Connecting-IP");
    if (address === null) headers.delete("X-Forwarded-For");
    else headers.set("X-Forwarded-For", address);
    headers.set("X-Forwarded-Proto", url.protocol.slice(0, -1));
    if (request.method === "POST" && url.pathname.endsWith(START)) {
      headers.set("Prefer", preferences(headers.get("Prefer")));
    }
    try {
      const response = await send(request, target, headers, isFile);
      return UNREACHED.has(response.status) ? failed(request) : response;
    } catch {
      return failed(request);
    }
  },
} satisfies ExportedHandler<Env>;

/** The `Prefer` header of a `start`: a shorter wait of the client stays. The first value of a preference counts. */
function preferences(sent: string | null): string {
  const wait = /(?:^|,)\s*wait="?(\d+)/i.exec(sent ?? "")?.[1];
  if (sent !== null && wait !== undefined && Number(wait) <= START_WAIT) return sent;
  return `respond-async, wait=${START_WAIT}${sent === null ? "" : `, ${sent}`}`;
}

async function send(request: Request, target: URL, headers: Headers, isFile: boolean): Promise<Response> {
  const { method } = request;
  const hasKey = method === "POST" && headers.has("Idempotency-Key") && !isFile;
  const isRepeatable = method === "GET" || method === "HEAD" || hasKey;
  // A body can be read only once. Bodies of the API are small, so one that may be sent twice is kept.
  const body = request.body === null ? null : isRepeatable ? await request.arrayBuffer() : request.body;
  // Not `cache: "no-store"`: it adds `Cache-Control: no-cache`, for which a gateway reads its database.
  const init = { method, headers, body, redirect: "manual", cf: { cacheTtl: 0 } } satisfies RequestInit;
  try {
    const response = await fetch(target, init);
    if (!isRepeatable || !UNREACHED.has(response.status)) return response;
  } catch (error) {
    if (!isRepeatable) throw error;
  }
  return await fetch(target, init);
}

/** The gateway can't be reached: a problem like those of the gateway (RFC 9457), or a page for people. */
function failed(request: Request): Response {
  const message = "The server can't be reached at the moment. Downloads that were requested keep running.";
  const headers = { "Cache-Control": "no-store", "Retry-After": "5" };
  if (request.headers.get("Accept")?.includes("text/html")) {
    const head = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Server unavailable</title>`;
    const page = `${head}<h1>Server unavailable</h1><p>${message} <a href="">Try again</a></p>`;
    return new Response(page, { status: 502, headers: { ...headers, "Content-Type": "text/html; charset=utf-8" } });
  }
  const error = "gateway_unreachable";
  const problem = { type: `urn:haulage:problem:${error}`, title: "Bad Gateway", status: 502, error, message };
  return new Response(JSON.stringify(problem), {
    status: 502,
    headers: { ...headers, "Content-Type": "application/problem+json" },
  });
}
