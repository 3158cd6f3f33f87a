import { beforeEach, expect, test, vi } from "vitest";
import { problemResponse, status } from "../testing/environment.ts";
import { FakeUploads, file, PART } from "../testing/uploads.ts";
import type { AddOptions, UploadItem, UploadManager } from "./index.ts";

vi.setConfig({ testTimeout: 30_000 }); // hundreds of uploads take seconds on a busy machine

let fake: FakeUploads;
let manager: UploadManager;

beforeEach(() => {
  fake = new FakeUploads();
});

function item(): UploadItem {
  const found = manager.snapshot().items.at(-1);
  if (found === undefined) throw new Error("there is no upload");
  return found;
}

function add(name: string, versions: readonly number[]): void {
  manager.add([{ name, file: file(name, versions) }]);
}

/** In small steps, so that what takes many promises is done, too. */
async function pass(seconds = 1): Promise<void> {
  for (let step = 0; step < 10 * seconds; step += 1) await fake.env.clock.advance(0.1);
}

/** The server says what has become of the followed uploads. */
function deliver(name: string, more: object): void {
  const { jobId, size } = fake.job(name);
  const fileId = "fileId" in more ? (more.fileId as number) : 0;
  const one = { index: 0, fileId, name, status: "done", bytesDone: size, size, error: null } as const;
  fake.env.socket.deliver({ ...status(5, { jobId }), kind: "upload", files: [one], ...more });
}

function sentParts(name: string): number[] {
  const { jobId } = fake.job(name);
  return fake.puts.filter((put) => put.jobId === jobId).map(({ number }) => number);
}

/** An earlier page of this browser has sent the first part. Returns the job. */
async function leftHere(name: string, versions: readonly number[], options?: AddOptions): Promise<string> {
  fake.accept = (number) => (number === 1 ? 200 : new Promise(() => {}));
  manager = fake.manager();
  manager.add([{ name, file: file(name, versions) }], options);
  await pass();
  manager.close();
  fake.accept = () => 200;
  fake.puts.length = 0;
  manager = fake.manager();
  await pass();
  return fake.job(name).jobId;
}

test("a file is sent in parts, completed, and followed into the catalogue", async () => {
  manager = fake.manager();
  add("a.txt", [1, 2, 3]);
  expect(manager.snapshot().items).toEqual([]);
  await pass();
  expect(sentParts("a.txt").sort()).toEqual([1, 2, 3]);
  expect(fake.job("a.txt")).toMatchObject({ status: "queued", sent: new Set([1, 2, 3]) });
  expect(fake.job("a.txt").crcs.get(2)).toBe("00000002");
  expect(item()).toMatchObject({ name: "a.txt", state: "checking", bytesSent: 3 * PART, size: 3 * PART });
  fake.env.socket.open();
  deliver("a.txt", { status: "completed", fileId: 12 });
  await pass();
  expect(item()).toMatchObject({ state: "completed", fileId: 12 });
  expect(manager.snapshot()).toMatchObject({ bytesSent: 3 * PART, bytesTotal: 3 * PART });
  expect(fake.env.client.getState().jobs.size).toBe(0);
  expect(fake.records.size).toBe(0);
});

test("the last parts are reported by the request that completes the upload", async () => {
  manager = fake.manager();
  add("a.txt", [1]);
  await pass();
  const posts = fake.env.requests.filter(({ method }) => method === "POST");
  expect(posts.map(({ path }) => path.split("/").at(-1))).toEqual(["upload", "parts", "complete"]);
  expect(posts.at(-1)?.body).toEqual({ sent: [1] });
});

test("no other URLs are signed until the first ones are, since that makes the multipart upload", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  fake.intercept = ({ path }) => (path.endsWith("/parts") ? held : undefined);
  manager = fake.manager();
  add("a.txt", [1, 2, 3, 4, 5]);
  await pass();
  expect(fake.env.requests.filter(({ path }) => path.endsWith("/parts"))).toHaveLength(1);
  release();
  await pass();
  expect(item().state).toBe("checking");
});

test("an empty file is one part without bytes", async () => {
  manager = fake.manager();
  manager.add([{ name: "empty", file: file("empty", [0], 0) }]);
  await pass();
  expect(fake.job("empty").status).toBe("queued");
});

test("what the checks refuse has failed, with the server's reason", async () => {
  manager = fake.manager();
  add("a.jpg", [1]);
  await pass();
  fake.env.socket.open();
  deliver("a.jpg", { status: "failed", error: { class: "validation", message: "It is a program." } });
  await pass();
  expect(item()).toMatchObject({ state: "failed", problem: { code: "validation", message: "It is a program." } });
  manager.retry(item().key);
  await pass();
  expect(fake.env.requests.some(({ path }) => path.endsWith("/retry"))).toBe(false);
  expect(fake.jobs.size).toBe(2); // the same job would fail again
});

test("a part that the store refuses is read, signed and sent again", async () => {
  const refusals = [400, 403, 403];
  fake.accept = (number) => (number === 2 ? (refusals.shift() ?? 200) : 200);
  manager = fake.manager();
  add("a.txt", [1, 2, 3]);
  await pass(20);
  expect(sentParts("a.txt").filter((number) => number === 2)).toHaveLength(4);
  const signed = fake.env.requests.flatMap(({ body }) => (body as { sign?: { number: number }[] })?.sign ?? []);
  expect(signed.filter(({ number }) => number === 2)).toHaveLength(4);
  expect(item().state).toBe("checking");
});

test("a part that the store refuses again and again fails the upload, which can be retried", async () => {
  fake.accept = (number) => (number === 2 ? 403 : 200);
  manager = fake.manager();
  add("a.txt", [1, 2, 3]);
  await pass(120);
  expect(item()).toMatchObject({ state: "failed", problem: { code: "part_refused", status: 403 } });
  const before = fake.puts.length;
  fake.accept = () => 200;
  manager.retry(item().key);
  await pass();
  expect(item().state).toBe("checking");
  expect(sentParts("a.txt").slice(before)).toEqual([2]);
  expect(fake.jobs.size).toBe(1);
});

test("an upload whose parts the store has dropped is uploaded anew, once", async () => {
  const jobId = await leftHere("a.txt", [1, 2, 3]);
  fake.accept = (_, job) => (job === jobId ? 404 : 200);
  manager.pick(item().key, file("a.txt", [1, 2, 3]));
  await pass();
  expect(fake.jobs.get(jobId)?.status).toBe("cancelled");
  expect(fake.job("a.txt")).toMatchObject({ status: "queued", sent: new Set([1, 2, 3]) });
  expect(item()).toMatchObject({ state: "checking", bytesSent: 3 * PART });
  expect(item().changed).toBeUndefined();
  fake.accept = () => 404; // the bucket is missing
  add("b.txt", [1]);
  await pass(120);
  expect(item()).toMatchObject({ name: "b.txt", state: "failed", problem: { code: "part_refused", status: 404 } });
  expect(fake.jobs.size).toBe(4);
});

test("without a network it is offline, and goes on when that returns", async () => {
  fake.accept = () => 0;
  manager = fake.manager();
  add("a.txt", [1, 2]);
  await pass(0.1);
  fake.env.online = false;
  await fake.env.setPresence({ online: false });
  await pass(60);
  expect(item()).toMatchObject({ state: "offline", problem: { code: "offline" } });
  fake.accept = () => 200;
  await fake.env.setPresence({ online: true });
  await pass(1);
  expect(item().state).toBe("checking");
});

test("while the server is overloaded, one request at a time is made, not before its Retry-After", async () => {
  manager = fake.manager();
  add("a.txt", [1, 2, 3, 4, 5, 6, 7, 8]);
  fake.intercept = ({ path }) =>
    path.endsWith("/parts") ? problemResponse(503, "database_unavailable", { "Retry-After": "10" }) : undefined;
  await pass(1);
  const signs = () => fake.env.requests.filter(({ path }) => path.endsWith("/parts")).length;
  const before = signs();
  expect(item()).toMatchObject({ state: "offline", problem: { code: "database_unavailable" } });
  await pass(8);
  expect(signs()).toBe(before);
  await pass(6);
  expect(signs()).toBe(before + 1);
  fake.intercept = () => undefined;
  await pass(30);
  expect(item().state).toBe("checking");
});

test("a paused upload sends nothing, and only what is missing once it is resumed", async () => {
  fake.accept = (number) => (number === 1 ? 200 : new Promise(() => {}));
  manager = fake.manager();
  add("a.txt", [1, 2, 3]);
  await pass();
  manager.pause();
  await pass();
  expect(item()).toMatchObject({ state: "paused", bytesSent: PART });
  expect(fake.sending).toBe(0);
  fake.puts.length = 0;
  fake.accept = () => 200;
  await pass(60);
  expect(fake.puts).toEqual([]);
  manager.resume();
  await pass();
  expect(sentParts("a.txt").sort()).toEqual([2, 3]);
  expect(item().state).toBe("checking");
});

test("a cancelled upload is cancelled on the server, and can be started anew", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  add("a.txt", [1]);
  await pass();
  manager.cancel(item().key);
  await pass();
  expect(fake.job("a.txt").status).toBe("cancelled");
  expect(item().state).toBe("cancelled");
  fake.accept = () => 200;
  manager.retry(item().key);
  await pass();
  expect(item().state).toBe("checking");
  expect(fake.jobs.size).toBe(2);
  manager.forget(item().key);
  await pass();
  expect(manager.snapshot().items).toEqual([]);
});

test("an upload that is cancelled while it is created does not stay open", async () => {
  manager = fake.manager();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  fake.intercept = ({ path }) => (path === "/v1/upload" ? held : undefined);
  add("a.txt", [1]);
  await pass();
  manager.cancel(item().key);
  release();
  await pass();
  expect(fake.jobs.size).toBe(1);
  for (const job of fake.jobs.values()) expect(job.status).toBe("cancelled");
  expect(fake.puts).toEqual([]);
});

test("of many files about 150 are open at once, and few parts are sent at once", async () => {
  manager = fake.manager();
  const names = Array.from({ length: 200 }, (_, number) => `${number}.txt`);
  manager.add(names.map((name, number) => ({ name, file: file(name, [number]) })));
  await pass(1);
  fake.env.socket.open();
  await pass(30);
  expect(manager.snapshot().counts.checking).toBe(200);
  expect(fake.mostOpen).toBeLessThanOrEqual(150);
  expect(fake.mostCreated).toBeLessThanOrEqual(100);
  expect(fake.mostSending).toBeLessThanOrEqual(6);
  const followed = new Set(
    fake.env.sockets.flatMap(({ sent }) => sent.flatMap(({ jobs }) => jobs.map((one) => one.jobId))),
  );
  expect(followed.size).toBe(30);
});

test("with too many open uploads fewer are created at once, until they are accepted", async () => {
  manager = fake.manager();
  fake.intercept = ({ path, body }) =>
    path === "/v1/upload" && (body as { files: unknown[] }).files.length > 20
      ? problemResponse(429, "too_many_uploads")
      : undefined;
  manager.add(Array.from({ length: 90 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await pass(0.1);
  expect(manager.snapshot().items[0]?.problem?.code).toBe("too_many_uploads");
  await pass(60);
  expect(manager.snapshot().counts.checking).toBe(90);
  expect(manager.snapshot().items[0]?.problem).toBeUndefined();
});

test("a file that the server refuses does not hold back the others", async () => {
  manager = fake.manager();
  fake.intercept = ({ path, body }) =>
    path === "/v1/upload" && (body as { files: { name: string }[] }).files.some(({ name }) => name === "7")
      ? problemResponse(413, "upload_too_large")
      : undefined;
  manager.add(Array.from({ length: 30 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await pass(10);
  expect(manager.snapshot().counts).toMatchObject({ checking: 29, failed: 1 });
  const failed = manager.snapshot().items.find(({ state }) => state === "failed");
  expect(failed).toMatchObject({ name: "7", problem: { code: "upload_too_large" } });
});

test("a full queue is waited for, as long as the server says", async () => {
  manager = fake.manager();
  let asked = 0;
  fake.intercept = ({ path }) => {
    if (path !== "/v1/upload") return undefined;
    asked += 1;
    return asked < 3 ? problemResponse(503, "queue_full", { "Retry-After": "7" }) : undefined;
  };
  add("a.txt", [1]);
  await pass(6);
  expect(asked).toBe(1);
  expect(item()).toMatchObject({ state: "waiting", problem: { code: "queue_full", retryAfter: 7 } });
  await pass(20);
  expect(asked).toBe(3);
  expect(item().state).toBe("checking");
});

test.each([
  ["there is no response", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["the server is unavailable", () => problemResponse(503, "database_unavailable")],
  ["it is still made", () => problemResponse(409, "idempotency_key_in_flight", { "Retry-After": "1" })],
] as const)("if %s after a creation, the same key and files are sent again", async (_, respond) => {
  manager = fake.manager();
  const asked: string[] = [];
  fake.intercept = ({ path, headers, body }) => {
    if (path !== "/v1/upload") return undefined;
    asked.push(`${headers.get("Idempotency-Key")} ${(body as { files: unknown[] }).files.length}`);
    fake.env.random = 0.1; // another key would differ
    return asked.length === 1 ? respond() : undefined;
  };
  for (const name of ["a.txt", "b.txt", "c.txt"]) add(name, [1]);
  await pass(5);
  expect(asked).toHaveLength(2);
  expect(asked[0]).toBe(asked[1]);
  expect(manager.snapshot().counts.checking).toBe(3);
});

test("nothing is created any more once the manager is closed", async () => {
  manager = fake.manager();
  fake.intercept = ({ path }) =>
    path === "/v1/upload"
      ? new Promise((resolve) =>
          fake.env.clock.setTimeout(() => resolve(problemResponse(503, "database_unavailable")), 1_000),
        )
      : undefined;
  add("a.txt", [1]);
  await pass(0.5);
  manager.close();
  await pass(60);
  expect(fake.env.requests.filter(({ path }) => path === "/v1/upload")).toHaveLength(1);
});

test("files that are all refused cost about one request each", async () => {
  manager = fake.manager();
  fake.intercept = ({ path }) => (path === "/v1/upload" ? problemResponse(403, "forbidden") : undefined);
  manager.add(Array.from({ length: 60 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await pass(10);
  expect(manager.snapshot().counts.failed).toBe(60);
  expect(fake.env.requests.filter(({ path }) => path === "/v1/upload").length).toBeLessThan(70);
});

test("with a quota everything that fits is uploaded, and what does not waits as long as the server says", async () => {
  manager = fake.manager();
  let left = 20 * PART;
  fake.intercept = ({ path, body }) => {
    if (path !== "/v1/upload") return undefined;
    const sizes = (body as { files: { size: number }[] }).files.map(({ size }) => size);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    if (size > left) return problemResponse(429, "upload_quota_exceeded", { "Retry-After": "3600" });
    left -= size;
    return undefined;
  };
  const large = Array.from({ length: 30 }, () => 1);
  add("large", large);
  manager.add(Array.from({ length: 15 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await pass(120);
  expect(manager.snapshot().counts).toMatchObject({ checking: 15, waiting: 1 });
  expect(manager.snapshot().items[0]).toMatchObject({ name: "large", problem: { code: "upload_quota_exceeded" } });
  left = 100 * PART;
  const before = fake.env.requests.length;
  await fake.env.clock.advance(3_000);
  expect(fake.env.requests.slice(before).some(({ path }) => path === "/v1/upload")).toBe(false);
  await fake.env.clock.advance(2_000);
  await pass();
  expect(manager.snapshot().counts.checking).toBe(16);
});

test("an upload of an earlier page goes on with its file, and sends what is missing", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2, 3], [1, 3]);
  manager = fake.manager();
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", jobId, bytesSent: 2 * PART });
  manager.pick(item().key, file("a.txt", [1, 2, 3]));
  await pass();
  expect(fake.puts).toEqual([{ jobId, number: 2 }]);
  expect(item()).toMatchObject({ state: "checking", bytesSent: 3 * PART });
  expect(item().changed).toBeUndefined();
});

test("an upload of an earlier page asks for its file, also if the open uploads can't be listed", async () => {
  fake.intercept = ({ path }) => (path === "/v1/upload/jobs" ? problemResponse(403, "forbidden") : undefined);
  const jobId = await leftHere("a.txt", [1, 2]);
  expect(item()).toMatchObject({ jobId, state: "checking" });
  fake.env.socket.open();
  const upload = { name: "a.txt", size: 2 * PART, partSize: PART, parts: 2 };
  deliver("a.txt", { status: "receiving", upload, progress: { ...status(1).progress, bytesDone: PART } });
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", bytesSent: PART });
  manager.pick(item().key, file("a.txt", [1, 2]));
  await pass();
  expect(sentParts("a.txt")).toEqual([2]);
  expect(item().state).toBe("checking");
});

test("a file that has changed since is uploaded anew, and said to have changed", async () => {
  const jobId = await leftHere("a.txt", [1, 2, 3]);
  manager.pick(item().key, file("a.txt", [2, 2, 4]));
  await pass();
  expect(fake.jobs.get(jobId)?.status).toBe("cancelled");
  expect(fake.job("a.txt").jobId).not.toBe(jobId);
  expect(sentParts("a.txt").sort()).toEqual([1, 2, 3]);
  expect(item()).toMatchObject({ state: "checking", changed: true });
});

test("a file that has become longer is uploaded anew without a comparison", async () => {
  const jobId = await leftHere("a.txt", [1, 2]);
  manager.pick(item().key, file("a.txt", [1, 2, 3]));
  await pass();
  expect(fake.jobs.get(jobId)?.status).toBe("cancelled");
  expect(item()).toMatchObject({ state: "checking", changed: true, size: 3 * PART });
  expect(fake.env.requests.some(({ method, path }) => method === "GET" && path.endsWith("/parts"))).toBe(false);
});

test("another file is not taken for it", async () => {
  fake.begun("photos/a.txt", [1, 2], [1]);
  manager = fake.manager();
  await pass();
  manager.pick(item().key, file("b.txt", [1, 2, 3]));
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", problem: { code: "other_file" } });
  expect(item().problem?.message).toContain("a.txt");
});

test("another file of the same size is found by its content", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], [1]);
  manager = fake.manager();
  await pass();
  manager.pick(item().key, file("b.txt", [3, 4]));
  await pass();
  expect(item()).toMatchObject({ jobId, state: "needs-file", problem: { code: "other_file" } });
  expect(fake.jobs.get(jobId)?.status).toBe("receiving");
  manager.pick(item().key, file("renamed.txt", [1, 2]));
  await pass();
  expect(item()).toMatchObject({ jobId, state: "checking" });
});

test("another file of the same size is not taken for it if nothing was sent that tells them apart", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], []);
  manager = fake.manager();
  await pass();
  manager.pick(item().key, file("b.txt", [1, 2]));
  await pass();
  expect(item()).toMatchObject({ jobId, state: "needs-file", problem: { code: "other_file" } });
  expect(fake.puts).toEqual([]);
});

test("a file may be added by a name that is not its own, also if it has changed", async () => {
  await leftHere("scan 1.pdf", [1, 2]);
  manager.add([{ name: "scan 1.pdf", file: file("IMG_1.pdf", [3, 2]) }]);
  await pass();
  expect(item()).toMatchObject({ name: "scan 1.pdf", state: "checking", changed: true });
});

test("files that are added before the open uploads are known continue them, too", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], [1]);
  manager = fake.manager();
  add("a.txt", [1, 2]);
  await pass();
  expect(manager.snapshot().items).toHaveLength(1);
  expect(item()).toMatchObject({ jobId, state: "checking" });
});

test("files that are added again continue the uploads that lack them", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], [1]);
  manager = fake.manager();
  await pass();
  manager.add([
    { name: "a.txt", file: file("a.txt", [1, 2]) },
    { name: "b.txt", file: file("b.txt", [5]) },
  ]);
  await pass();
  expect(fake.puts.filter((put) => put.jobId === jobId)).toEqual([{ jobId, number: 2 }]);
  expect(manager.snapshot().counts.checking).toBe(2);
});

test("with a handle that may be read it goes on by itself, else after a click", async () => {
  fake.accept = (number) => (number === 1 ? 200 : new Promise(() => {}));
  let permission: PermissionState = "prompt";
  const handle = {
    queryPermission: async () => permission,
    requestPermission: async () => {
      permission = "granted";
      return permission;
    },
    getFile: async () => file("a.txt", [1, 2]),
  } as unknown as FileSystemFileHandle;
  manager = fake.manager();
  manager.add([{ name: "a.txt", file: file("a.txt", [1, 2]), handle }]);
  await pass();
  manager.close();
  fake.puts.length = 0;
  fake.accept = () => 200;
  manager = fake.manager();
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", hasHandle: true });
  manager.resume();
  await pass();
  expect(sentParts("a.txt")).toEqual([2]);
  expect(item().state).toBe("checking");
  expect(manager.snapshot().items).toHaveLength(1);
});

test("an upload that was paused waits for the user after a reload, also if its file may be read", async () => {
  const handle = {
    queryPermission: async () => "granted",
    getFile: async () => file("a.txt", [1, 2]),
  } as unknown as FileSystemFileHandle;
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.add([{ name: "a.txt", file: file("a.txt", [1, 2]), handle }]);
  await pass();
  manager.pause();
  await pass();
  fake.accept = () => 200;
  for (const _ of ["first", "second"]) {
    manager.close();
    fake.puts.length = 0;
    manager = fake.manager();
    await pass();
    expect(item()).toMatchObject({ state: "needs-file", hasHandle: true });
    expect(fake.puts).toEqual([]);
  }
  fake.accept = () => new Promise(() => {});
  manager.resume();
  await pass();
  manager.pause();
  manager.resume();
  await pass();
  manager.close();
  fake.accept = () => 200;
  manager = fake.manager();
  await pass();
  expect(item().state).toBe("checking");
});

test("an upload of another device is shown with its progress, and followed to its end", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], [1]);
  manager = fake.manager();
  await pass();
  fake.env.socket.open();
  deliver("a.txt", { status: "receiving", progress: { ...status(1).progress, bytesDone: 150 } });
  await pass();
  expect(item()).toMatchObject({ jobId, state: "needs-file", bytesSent: 150 });
  deliver("a.txt", { seq: 6, status: "processing" });
  await pass();
  expect(item().state).toBe("checking");
  deliver("a.txt", { seq: 7, status: "completed", fileId: 3 });
  await pass();
  expect(item()).toMatchObject({ state: "completed", fileId: 3 });
});

test("a file that can't be read any more is asked for again", async () => {
  const { checksums } = fake.environment();
  const unreadable = async () => Promise.reject(new DOMException("", "NotReadableError"));
  const crc32 = vi.fn(checksums.crc32).mockImplementationOnce(unreadable);
  manager = fake.manager({ checksums: { ...checksums, crc32 } });
  add("a.txt", [1]);
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", problem: { code: "file_changed" } });
  manager.pick(item().key, file("a.txt", [1])); // it was only moved
  await pass();
  expect(item()).toMatchObject({ state: "checking" });
  expect(item().changed).toBeUndefined();
});

test.each([
  ["queued", "checking"],
  ["cancelled", "cancelled"],
] as const)("an upload that another client has %s is %s here", async (ended, state) => {
  fake.accept = () => {
    fake.job("a.txt").status = ended;
    return 200;
  };
  manager = fake.manager();
  add("a.txt", [1, 2]);
  await pass();
  expect(item().state).toBe(state);
});

test("listeners are called once for many changes, and items that have not changed stay the same objects", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.add(["a", "b", "c"].map((name, number) => ({ name, file: file(name, [number]) })));
  await pass();
  const [a, b] = manager.snapshot().items;
  fake.snapshots.length = 0;
  manager.pause(b?.key);
  manager.cancel(manager.snapshot().items[2]?.key ?? "");
  await fake.env.clock.advance(0.06);
  expect(fake.snapshots).toHaveLength(1);
  expect(manager.snapshot().items[0]).toBe(a);
  expect(manager.snapshot().items[1]).not.toBe(b);
});

test("the speed is that of the last seconds, and 0 when nothing is sent any more", async () => {
  fake.accept = (number) => new Promise((resolve) => fake.env.clock.setTimeout(() => resolve(200), 1_000 * number));
  manager = fake.manager();
  add("a.txt", [1, 2, 3, 4]);
  await pass(3);
  expect(manager.snapshot().bytesPerSecond).toBeGreaterThan(0);
  await pass(30);
  expect(manager.snapshot().bytesPerSecond).toBe(0);
  const onlySpeed = fake.snapshots.filter(({ items }, place) => items === fake.snapshots[place - 1]?.items);
  expect(onlySpeed.length).toBeGreaterThan(0);
});

test("closing ends timers, requests and the connection", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  add("a.txt", [1, 2, 3]);
  await pass();
  manager.close();
  await pass(1);
  expect(fake.sending).toBe(0);
  expect(fake.env.clock.waiting).toBe(0);
  expect(fake.env.presenceListeners).toBe(0);
});

test("after a slow listener the next notification waits longer", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.subscribe(() => {
    fake.env.clock.time += 200; // as long as it takes to render thousands of rows
  });
  add("a.txt", [1]);
  await pass();
  fake.snapshots.length = 0;
  const begun = fake.env.clock.now();
  for (let step = 0; step < 40; step += 1) {
    add(`${step}.txt`, [1]);
    await fake.env.clock.advance(0.05);
  }
  expect(fake.snapshots.length).toBeLessThanOrEqual((fake.env.clock.now() - begun) / 800 + 1);
});

test("records are written together, each once, and at once when the page is hidden", async () => {
  const writes: number[] = [];
  const { records } = fake.environment();
  manager = fake.manager({
    records: { ...records, save: async (some) => void writes.push(some.length), delete: async () => {} },
  });
  await pass(0.1);
  manager.add(Array.from({ length: 450 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await fake.env.clock.advance(0.25);
  expect(writes).toEqual([200, 200]);
  await fake.env.setPresence({ visible: false });
  expect(writes.slice(2).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(50);
  fake.accept = () => new Promise(() => {});
  const before = writes.length;
  manager.add([{ name: "last", file: file("last", [1]) }]);
  await fake.env.clock.advance(0);
  manager.close();
  expect(writes.length).toBe(before + 1);
});

test("what is continued from an earlier page is not written again before it changes", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  add("a.txt", [1, 2]);
  await pass();
  manager.close();
  const [record] = fake.records.values();
  await pass(60);
  const held: string[] = [];
  const { records } = fake.environment();
  const hold = (session: string) => {
    held.push(session);
    return () => {};
  };
  const save = vi.fn(records.save);
  manager = fake.manager({ records: { ...records, hold, save } });
  await pass();
  expect(save).not.toHaveBeenCalled();
  expect(held).toContain(record?.session);
  fake.accept = () => 200;
  manager.pick(item().key, file("a.txt", [1, 2]));
  await pass(0.5);
  const [continued] = fake.records.values();
  expect(continued).toMatchObject({ addedAt: record?.addedAt, jobId: record?.jobId });
  expect(item().state).toBe("checking");
});

test("an upload that is cancelled while the user is asked for permission stays cancelled", async () => {
  const answers: ((state: PermissionState) => void)[] = [];
  const getFile = vi.fn(async () => file("a.txt", [1, 2]));
  const handle = {
    queryPermission: async () => "prompt",
    requestPermission: () => new Promise((resolve) => answers.push(resolve)),
    getFile,
  } as unknown as FileSystemFileHandle;
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.add([{ name: "a.txt", file: file("a.txt", [1, 2]), handle }]);
  await pass();
  manager.close();
  fake.puts.length = 0;
  manager = fake.manager();
  await pass();
  const { key } = item();
  manager.resume([key]);
  await pass();
  expect(answers).toHaveLength(1);
  manager.cancel(key);
  answers[0]?.("granted");
  await pass();
  expect(item().state).toBe("cancelled");
  expect(fake.puts).toEqual([]);
});

test.each([
  ["SecurityError", undefined],
  ["NotFoundError", "file_changed"],
])("after %s the problem of a file that is read by its handle is %s", async (name, code) => {
  const handle = {
    requestPermission: () => Promise.reject(new DOMException("", name)),
    queryPermission: async () => "prompt",
  } as unknown as FileSystemFileHandle;
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.add([{ name: "a.txt", file: file("a.txt", [1]), handle }]);
  await pass();
  manager.close();
  manager = fake.manager();
  await pass();
  manager.resume();
  await pass();
  expect(item()).toMatchObject({ state: "needs-file", hasHandle: true });
  expect(item().problem?.code).toBe(code);
});

test.each([
  [{ visibility: "public" }, { visibility: "private" }, 2],
  [{ visibility: "shared", groups: ["a", "b"] }, { visibility: "shared", groups: ["a"] }, 2],
  [{ visibility: "shared", groups: ["a", "b"] }, { visibility: "shared", groups: ["b", "a"] }, 1],
] as const)("what was begun for %o is continued only for the same users, not for %o", async (begun, wanted, jobs) => {
  await leftHere("a.txt", [1, 2], begun);
  manager.add([{ name: "a.txt", file: file("a.txt", [1, 2]) }], wanted);
  await pass();
  expect(fake.jobs.size).toBe(jobs);
});

test.each(["public", "shared"])(
  "a %s upload of another device is not continued as a private one",
  async (visibility) => {
    fake.begun("a.txt", [1, 2], [1]).visibility = visibility;
    manager = fake.manager();
    manager.add([{ name: "a.txt", file: file("a.txt", [1, 2]) }], { visibility: "private" });
    await pass();
    expect(fake.jobs.size).toBe(2);
  },
);

test("an upload of another device goes on there if another file is dropped or chosen for it", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2], [1]);
  manager = fake.manager();
  await pass();
  expect(item().isElsewhere).toBe(true);
  add("a.txt", [3, 2]);
  await pass();
  expect(fake.jobs.get(jobId)?.status).toBe("receiving");
  expect(fake.puts.filter((put) => put.jobId === jobId)).toEqual([]);
  expect(manager.snapshot().items).toMatchObject([
    { jobId, state: "needs-file", isElsewhere: true },
    { name: "a.txt", state: "checking", changed: true },
  ]);
  manager.pick(jobId, file("a.txt", [1, 2]));
  await pass();
  expect(manager.snapshot().items[0]).toMatchObject({ jobId, state: "checking" });
  expect(manager.snapshot().items[0]?.isElsewhere).toBeUndefined();
});

test("a file is not added to an upload that another device is sending", async () => {
  const { jobId } = fake.begun("a.txt", [1, 2, 3], [1]);
  manager = fake.manager();
  await pass();
  fake.env.socket.open();
  for (const bytesDone of [PART, 1.5 * PART]) {
    deliver("a.txt", { seq: bytesDone, status: "receiving", progress: { ...status(1).progress, bytesDone } });
    await pass(0.1);
  }
  add("a.txt", [1, 2, 3]);
  await pass();
  expect(fake.puts.filter((put) => put.jobId === jobId)).toEqual([]);
  expect(fake.jobs.size).toBe(2);
});

test("uploads that wait for their file do not keep others from being created", async () => {
  for (let number = 0; number < 160; number += 1) fake.begun(`${number}.txt`, [1, 2], [1]);
  manager = fake.manager();
  await pass();
  add("new.txt", [1]);
  await pass();
  expect(item()).toMatchObject({ name: "new.txt", state: "checking" });
});

test("a failed upload that is removed from the list does not stay open on the server", async () => {
  fake.accept = () => 403;
  manager = fake.manager();
  add("a.txt", [1]);
  await pass(120);
  expect(item().state).toBe("failed");
  expect(fake.job("a.txt").status).toBe("receiving");
  manager.forget(item().key);
  await pass();
  expect(fake.job("a.txt").status).toBe("cancelled");
  expect(fake.records.size).toBe(0);
});

test("many uploads are cancelled a few at once, each until the server has responded", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  manager.add(Array.from({ length: 30 }, (_, number) => ({ name: `${number}`, file: file(`${number}`, [number]) })));
  await pass();
  let [cancelling, most, failures] = [0, 0, 0];
  fake.intercept = async ({ method }) => {
    if (method !== "DELETE") return;
    cancelling += 1;
    most = Math.max(most, cancelling);
    await new Promise((resolve) => fake.env.clock.setTimeout(() => resolve(null), 100));
    cancelling -= 1;
    failures += 1;
    if (failures <= 3) throw new TypeError("Failed to fetch");
  };
  for (const { key } of manager.snapshot().items) manager.cancel(key);
  await pass(10);
  expect([...fake.jobs.values()].every((job) => job.status === "cancelled")).toBe(true);
  expect(most).toBeLessThanOrEqual(4);
  expect(manager.snapshot().counts.cancelled).toBe(30);
});

test("an upload that had ended before it was cancelled is shown as it ended", async () => {
  manager = fake.manager();
  add("a.txt", [1]);
  await pass();
  fake.env.socket.open();
  fake.intercept = ({ method }) => (method === "DELETE" ? problemResponse(409, "illegal_transition") : undefined);
  manager.cancel(item().key);
  await pass();
  deliver("a.txt", { seq: 9, status: "completed", fileId: 4 });
  await pass();
  expect(item()).toMatchObject({ state: "completed", fileId: 4 });
});

test("a file of one part that has changed is uploaded anew, also if its part was never reported as sent", async () => {
  fake.accept = () => new Promise(() => {});
  manager = fake.manager();
  add("a.txt", [1]);
  await pass();
  manager.close();
  const { jobId } = fake.job("a.txt");
  fake.accept = () => 200;
  manager = fake.manager();
  await pass();
  add("a.txt", [2]);
  await pass();
  expect(fake.jobs.get(jobId)?.status).toBe("cancelled");
  expect(item()).toMatchObject({ state: "checking", changed: true });
});

test("a file that changes again and again is read again three times, and then asked for", async () => {
  const getFile = vi.fn(async () => file("a.txt", [1]));
  const handle = { queryPermission: async () => "granted", getFile } as unknown as FileSystemFileHandle;
  manager = fake.manager({
    checksums: { crc32: async () => Promise.reject(new DOMException("", "NotReadableError")), close() {} },
  });
  manager.add([{ name: "a.txt", file: file("a.txt", [1]), handle }]);
  await pass(5);
  expect(getFile).toHaveBeenCalledTimes(3);
  expect(item()).toMatchObject({ state: "needs-file", problem: { code: "file_changed" } });
});

test("an upload that is created after its manager was closed is not sent by that", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  fake.intercept = ({ path }) => (path === "/v1/upload" ? held : undefined);
  manager = fake.manager();
  add("a.txt", [1]);
  await pass();
  manager.close();
  release();
  await pass();
  expect(fake.puts).toEqual([]);
  expect([...fake.records.values()].map(({ jobId }) => jobId)).toEqual([fake.job("a.txt").jobId]);
});
