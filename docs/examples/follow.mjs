// Start a job and follow it by server-sent events. Node 20 or newer, no dependencies.
//
//   node follow.mjs http://localhost:8080 10000 10001
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const [server, ...ids] = process.argv.slice(2);
const ended = ["completed", "failed", "cancelled", "expired", "gone"];
const jitter = () => 1 + Math.random() / 2; // not all clients at the same moment

/** The response. Retries while the server is busy, restarts or cannot be reached. */
async function call(url, options) {
  for (let attempt = 0; attempt < 30; attempt++) {
    const response = await fetch(url, options).catch(() => null);
    if (response?.ok) return response;
    const retryAfter = response?.headers.get("retry-after");
    if (response && response.status < 500 && !retryAfter) throw new Error(await response.text());
    await sleep(1000 * (retryAfter ?? Math.min(30, 0.5 * 2 ** attempt)) * jitter());
  }
  throw new Error("The server is unavailable.");
}

/** Yields each message of the job once, through every disconnection, up to the last one. */
async function* messages(path) {
  for (let seq = 0, pause = 2000; ; await sleep(pause * jitter())) {
    const silence = new AbortController();
    const response = await call(`${server}${path}?since=${seq}`, { signal: silence.signal });
    let text = "";
    let timer;
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), 20_000); // not even a comment: the connection is broken
        const events = (text + chunk).split("\n\n");
        text = events.pop();
        for (const event of events) {
          pause = Number(/^retry: (\d+)$/m.exec(event)?.[1] ?? pause);
          const data = /^data: (.*)$/m.exec(event)?.[1]; // always on one line
          if (!data) continue;
          const message = JSON.parse(data);
          seq = message.seq;
          yield message;
          if (ended.includes(message.type)) return;
        }
      }
    } catch { // disconnected: connect again, from `seq`
    } finally {
      clearTimeout(timer);
    }
  }
}

// With an Idempotency-Key, a request whose response was lost can be repeated: there will be one job.
const headers = { "Content-Type": "application/json", "Idempotency-Key": randomUUID() };
const body = JSON.stringify({ file_ids: ids.map(Number), archiveName: "example" });
const job = await (await call(`${server}/v1/download/initiate`, { method: "POST", headers, body })).json();
console.log("job", job.jobId);
let last;
for await (const message of messages(`/v1/download/stream/${job.jobId}`)) console.log((last = message).status, message.progress.percent);
if (last.type !== "completed") throw new Error(`${last.type}: ${last.error?.message}`);
console.log("fetch", server + last.links.file);
