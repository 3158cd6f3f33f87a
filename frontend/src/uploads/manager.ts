// Uploads of one user to one server: what is added, what is sent, and what earlier pages have left.
import type { Client } from "../client/client.ts";
import type { Timer } from "../client/environment.ts";
import type { Job } from "../client/jobs.ts";
import { type Outcome, type Problem, problem } from "../client/problems.ts";
import { ENDED, type UploadListItem } from "../client/schemas.ts";
import { UploadApi } from "./api.ts";
import { Creator } from "./creator.ts";
import { browserUploads, type UploadEnvironment } from "./environment.ts";
import { Items, UPLOAD_ENDED, type UploadItem, type UploadSnapshot, type UploadState } from "./items.ts";
import type { UploadRecord } from "./records.ts";
import { Sender } from "./sender.ts";
import { Speed } from "./speed.ts";
import { type AddOptions, openJob, type Upload } from "./upload.ts";
import { Watcher } from "./watcher.ts";

export type { AddOptions } from "./upload.ts";

export interface NewFile {
  file: File;
  /** With folders, as `photos/sea/a.jpg`. */
  name: string;
  /** By which the file can be read again after a reload, where the browser has them. */
  handle?: FileSystemFileHandle | undefined;
}

export interface UploadManagerOptions {
  client: Client;
  /** Whose uploads they are, if several users share this browser: those of others are not shown. */
  scope?: string;
  /** Replaces browser APIs, for tests. */
  environment?: Partial<UploadEnvironment>;
}

/** Milliseconds between notifications. Animation frames would stop in a hidden tab, and with them what depends on it. */
const THROTTLE = 50;
/** Of the time, listeners get a quarter: after one that took long, such as rendering 10,000 files, the next one waits. */
const SHARE = 4;
/** Milliseconds after which `bytesPerSecond` is computed again, also if nothing is sent any more. */
const SPEED_EVERY = 1_000;
/** Milliseconds for which files that are added wait for the list of open uploads. */
const PATIENCE = 2_000;
const CHECKED_AT_ONCE = 30;
const ELSEWHERE_AT_ONCE = 10;
const NO_OPTIONS: AddOptions = {};
/** How often a file that changes while it is sent is read again by its handle: a log may change for ever. */
const READ_AGAIN = 3;
/** Milliseconds for which another device that was seen to send an upload is left to it. */
const LEFT_TO_OTHERS = 60_000;
/** Milliseconds between two writes of records, and how many each has at most: file handles take long to serialize. */
const SAVE_EVERY = 100;
const SAVED_AT_ONCE = 200;
/** Milliseconds for which an upload that was not completed is remembered: longer than the server's `UPLOAD_WINDOW`. */
const REMEMBERED = 7 * 24 * 3_600_000;

/** It begins to work when it is made, and goes on until `close`. Nothing throws. */
export class UploadManager {
  readonly #client: Client;
  readonly #api: UploadApi;
  readonly #browser: UploadEnvironment;
  readonly #scope: string;
  readonly #session: string;
  readonly #creator: Creator;
  readonly #sender: Sender;
  readonly #checked: Watcher;
  readonly #elsewhere: Watcher;
  readonly #all = new Map<string, Upload>();
  /** Uploads that lack their file, by name, so that files which are dropped again are found. */
  readonly #lacking = new Map<string, Set<Upload>>();
  readonly #items = new Items();
  readonly #speed = new Speed();
  readonly #listeners = new Set<() => void>();
  readonly #unsubscribe: () => void;
  readonly #release: (() => void)[];
  #snapshot: UploadSnapshot;
  #timer: Timer = null;
  #throttle = THROTTLE;
  #speedTimer: Timer = null;
  #saveTimer: Timer = null;
  /** Keys of uploads whose record is to be written, or deleted. */
  readonly #unsaved = new Set<string>();
  #keys = 0;
  #isClosed = false;
  readonly #ended = new AbortController();
  /** Resolves once the uploads of earlier pages are known, or the server does not respond soon. */
  readonly #known: Promise<unknown>;

  constructor({ client, scope = "", environment = {} }: UploadManagerOptions) {
    this.#client = client;
    this.#browser = { ...browserUploads(), ...environment };
    this.#api = new UploadApi(client.request);
    this.#scope = `${client.baseUrl}\n${scope}`;
    this.#session = String(client.environment.random()).slice(2);
    const { presence } = client.environment;
    this.#creator = new Creator(client.environment, this.#api, {
      created: (upload) => this.#created(upload),
      delayed: (uploads, why) => {
        for (const upload of uploads) if (this.#is(upload, "waiting")) this.#set(upload, { problem: why });
      },
      failed: (upload, why) => this.#end(upload, { state: "failed", problem: why }),
    });
    this.#sender = new Sender(client.environment, this.#browser, this.#api, {
      progressed: (upload) => this.#progressed(upload),
      completed: (upload) => this.#completed(upload),
      changed: (upload) => this.#fileDiffers(upload),
      dropped: (upload) => this.#startAnew(upload, false),
      unreadable: (upload) => void this.#readAgain(upload),
      closed: (upload) => void this.#closed(upload),
      failed: (upload, why) => this.#end(upload, { state: "failed", problem: why }),
      reachabilityChanged: () => this.#reachabilityChanged(),
    });
    this.#checked = new Watcher(client, CHECKED_AT_ONCE, (key, job) => this.#jobChanged(key, job));
    this.#elsewhere = new Watcher(client, ELSEWHERE_AT_ONCE, (key, job) => this.#jobChanged(key, job));
    this.#unsubscribe = presence.subscribe(() => {
      if (presence.online()) this.#hurry();
      if (!presence.visible()) this.#save(); // the page may be about to end
    });
    this.#release = [this.#browser.records.hold(this.#session)];
    this.#snapshot = this.#items.snapshot(0);
    const soon = new Promise((resolve) => client.environment.clock.setTimeout(resolve as () => void, PATIENCE));
    this.#known = Promise.race([this.#restore(), soon]);
  }

  /** The same object until something changes. */
  snapshot = (): UploadSnapshot => this.#snapshot;

  /** Returns the function that unsubscribes. Listeners are called at most 20 times a second. */
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Uploads files. One that has the name and the size of an upload which lacks its file continues that. */
  add(files: Iterable<NewFile>, options: AddOptions = NO_OPTIONS): void {
    const chosen = [...files];
    void this.#known.then(() => this.#isClosed || this.#add(chosen, options));
  }

  #add(files: readonly NewFile[], options: AddOptions): void {
    for (const one of files) {
      const known = this.#findLacking(one, options);
      if (known === undefined) {
        this.#addOne(one, options);
      } else {
        known.handle = one.handle ?? known.handle;
        this.#use(known, one.file);
      }
    }
  }

  #addOne({ file, name, handle }: NewFile, options: AddOptions, more: Partial<UploadItem> = {}): void {
    this.#keys += 1;
    const upload: Upload = {
      key: `${this.#session}-${this.#keys}`,
      name,
      size: file.size,
      lastModified: file.lastModified,
      addedAt: this.#client.environment.clock.now(),
      begunHere: true,
      options,
      file,
      handle,
      job: null,
      run: null,
    };
    this.#insert(upload, "waiting", more);
    this.#creator.add(upload);
    this.#remember(upload.key);
  }

  /** Pauses one upload, or all that wait or are sent. */
  pause(key?: string): void {
    for (const upload of this.#chosen(key)) {
      if (!this.#is(upload, "waiting", "sending", "offline")) continue;
      this.#creator.remove(upload);
      this.#sender.stop(upload);
      this.#set(upload, { state: "paused", problem: undefined, bytesSent: upload.job?.bytesSent ?? 0 });
      this.#remember(upload.key);
    }
  }

  /** Continues uploads, or all that are paused. With handles this asks the user for permission: call it on a click. */
  resume(keys?: string | readonly string[]): void {
    const asked: Upload[] = [];
    for (const upload of this.#chosen(keys)) {
      if (this.#is(upload, "paused")) {
        this.#proceed(upload);
        this.#remember(upload.key);
      } else if (this.#is(upload, "needs-file") && upload.handle !== undefined) asked.push(upload);
    }
    void this.#open(asked, true);
    this.#hurry();
  }

  /** Tries again what has failed or was cancelled, or what waits for the network. */
  retry(key: string): void {
    const upload = this.#all.get(key);
    const item = this.#items.get(key);
    if (upload === undefined || item === undefined) return;
    this.#hurry();
    if (item.state !== "failed" && item.state !== "cancelled") return this.resume(key);
    // The same job would be refused again, with the bytes that the store has.
    const isRefused = upload.file !== null && item.problem?.code === "validation";
    if (item.state === "failed" && upload.job === null && item.jobId !== undefined && !isRefused) {
      void this.#retryJob(upload, item.jobId);
    } else {
      this.#proceed(upload);
    }
  }

  /** Ends an upload. What the store has of it is removed. */
  cancel(key: string): void {
    const upload = this.#all.get(key);
    const item = this.#items.get(key);
    if (upload === undefined || item === undefined || UPLOAD_ENDED.has(item.state)) return;
    this.#creator.remove(upload);
    if (item.jobId !== undefined) void this.#cancelJob(upload, item.jobId);
    this.#end(upload, { state: "cancelled", problem: undefined });
  }

  /** Removes an upload from the list. One that has not ended is cancelled. */
  forget(key: string): void {
    this.cancel(key);
    const upload = this.#all.get(key);
    if (upload === undefined) return;
    if (upload.job !== null) void this.#cancelJob(upload, upload.job.jobId); // it has failed, but could be continued
    this.#drop(upload);
  }

  /**
   * Gives an upload its file again. It is sent on if it is the same file, and anew if that has changed. One of another name is
   * accepted if its content is the same.
   */
  pick(key: string, file: File): void {
    const upload = this.#all.get(key);
    if (upload === undefined || !this.#is(upload, "needs-file")) return;
    const isRenamed = file.name !== baseName(upload.name);
    if (isRenamed && (file.size !== upload.size || upload.job === null)) return this.#reject(upload, file);
    upload.handle = undefined;
    this.#use(upload, file, isRenamed);
  }

  /** Ends all work of this page. The uploads can be continued by another manager. */
  close(): void {
    this.#isClosed = true;
    this.#ended.abort();
    this.#creator.close();
    for (const upload of this.#all.values()) this.#sender.stop(upload);
    this.#checked.close();
    this.#elsewhere.close();
    this.#save();
    this.#unsubscribe();
    for (const release of this.#release) release();
    this.#browser.checksums.close();
    for (const timer of [this.#timer, this.#speedTimer, this.#saveTimer])
      this.#client.environment.clock.clearTimeout(timer);
  }

  // --- the way of an upload ------------------------------------------------------------------------------------------

  /** Goes on with an upload, from wherever it is. */
  #proceed(upload: Upload): void {
    if (upload.file === null) return this.#lack(upload, undefined);
    if (upload.job === null) {
      this.#set(upload, { state: "waiting", problem: undefined, jobId: undefined, job: undefined, bytesSent: 0 });
      this.#remember(upload.key);
      return this.#creator.add(upload);
    }
    this.#set(upload, { ...this.#sendingState(), jobId: upload.job.jobId });
    this.#sender.start(upload);
  }

  #created(upload: Upload): void {
    const jobId = upload.job?.jobId as string;
    if (this.#is(upload, "cancelled") || !this.#all.has(upload.key)) {
      this.#leave(upload);
      return void this.#cancelJob(upload, jobId);
    }
    this.#remember(upload.key);
    if (this.#isClosed) {
      this.#set(upload, { jobId });
      return this.#save(); // so that the next manager knows its job
    }
    if (this.#is(upload, "waiting")) this.#proceed(upload);
    else this.#set(upload, { jobId });
  }

  #progressed(upload: Upload): void {
    const bytesSent = upload.job?.bytesSent ?? 0;
    const before = this.#items.get(upload.key)?.bytesSent ?? 0;
    if (upload.job?.proven) this.#speed.add(bytesSent - before);
    this.#set(upload, { bytesSent });
  }

  #completed(upload: Upload): void {
    const jobId = upload.job?.jobId as string;
    this.#leave(upload);
    this.#set(upload, { state: "checking", bytesSent: upload.size, problem: undefined });
    this.#checked.add(upload.key, jobId);
  }

  /** The file was changed, or it is another one. */
  #fileDiffers(upload: Upload): void {
    const { file } = upload;
    if (file === null || !upload.isRenamed) return this.#startAnew(upload);
    upload.file = null;
    this.#lack(upload, undefined);
    this.#reject(upload, file);
  }

  #reject(upload: Upload, file: File): void {
    const message = `${file.name} is another file. Pick ${baseName(upload.name)}.`;
    this.#set(upload, { problem: { ...problem("other_file"), title: message, message } });
  }

  /** Uploads the file under a new job: it has changed, or the store has dropped what it had of it. */
  #startAnew(upload: Upload, isChanged = true): void {
    const { job, file, name, handle, options } = upload;
    const changed = isChanged || undefined;
    upload.isAnew = !isChanged;
    if (!upload.begunHere && file !== null) {
      // Its own device may be sending it. Groups are not listed, so that a file which was shared is private.
      upload.file = null;
      upload.handle = undefined;
      this.#lack(upload, undefined);
      const own = options.visibility === "shared" ? { visibility: "private" as const } : options;
      return this.#addOne({ file, name, handle }, own, changed && { changed });
    }
    if (job !== null) void this.#cancelJob(upload, job.jobId);
    this.#leave(upload);
    this.#elsewhere.remove(upload.key);
    upload.size = file?.size ?? upload.size;
    upload.lastModified = file?.lastModified ?? upload.lastModified;
    this.#set(upload, { changed, size: upload.size, lastModified: upload.lastModified });
    this.#proceed(upload);
  }

  /** The file was changed or removed while it was sent. */
  async #readAgain(upload: Upload): Promise<void> {
    upload.file = null;
    upload.readAgain = (upload.readAgain ?? 0) + 1;
    const mayRead = upload.handle !== undefined && upload.readAgain <= READ_AGAIN;
    this.#lack(upload, mayRead ? undefined : "file_changed");
    if (mayRead) await this.#open([upload], false);
  }

  /** The job was completed, cancelled or deleted by somebody else. */
  async #closed(upload: Upload): Promise<void> {
    const jobId = upload.job?.jobId as string;
    const outcome = await this.#api.status(jobId);
    if (upload.job?.jobId !== jobId || upload.run !== null) return;
    if (outcome.ok && outcome.value.status === "receiving") return this.#proceed(upload);
    if (outcome.ok && outcome.value.status !== "cancelled") return this.#completed(upload);
    this.#end(upload, { state: "cancelled", problem: outcome.ok ? undefined : outcome.problem });
  }

  /** The job is not open any more, as far as this page is concerned. */
  #leave(upload: Upload): void {
    this.#sender.stop(upload);
    this.#creator.closed(upload);
    upload.job = null;
  }

  #end(upload: Upload, changes: Changes): void {
    // A job that may still be continued stays open, so that `retry` need not send everything again.
    const mayGoOn = changes.state === "failed" && upload.job !== null;
    if (mayGoOn) this.#sender.stop(upload);
    else this.#leave(upload);
    if (changes.state === "completed") upload.file = null;
    this.#checked.remove(upload.key);
    this.#elsewhere.remove(upload.key);
    this.#noLonger(upload);
    this.#set(upload, changes);
    this.#remember(upload.key);
  }

  async #cancelJob(upload: Upload, jobId: string): Promise<void> {
    const outcome = await this.#ask(() => this.#api.cancel(jobId));
    if (outcome.ok || outcome.problem.status !== 409 || this.#items.get(upload.key)?.jobId !== jobId) return;
    if (!this.#is(upload, "cancelled")) return;
    this.#set(upload, { state: "checking" }); // it had ended before, and this follows it to see how
    this.#checked.add(upload.key, jobId);
  }

  #ask<T>(send: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#sender.ask(this.#ended.signal, send).catch(() => ({ ok: false, problem: problem("aborted") }));
  }

  /** Removes an upload from the list. */
  #drop(upload: Upload): void {
    const { key } = upload;
    this.#leave(upload);
    this.#noLonger(upload);
    this.#checked.remove(key);
    this.#elsewhere.remove(key);
    this.#all.delete(key);
    this.#items.delete(key);
    this.#remember(key);
    this.#notifySoon();
  }

  async #retryJob(upload: Upload, jobId: string): Promise<void> {
    this.#set(upload, { state: "checking", problem: undefined });
    const outcome = await this.#ask(() => this.#api.retry(jobId));
    if (!this.#is(upload, "checking")) return;
    if (outcome.ok) this.#checked.add(upload.key, jobId);
    else if (upload.file !== null && outcome.problem.status === 409) this.#proceed(upload);
    else this.#set(upload, { state: "failed", problem: outcome.problem });
  }

  /** What the server says of an upload that is not sent here. */
  #jobChanged(key: string, job: Job): void {
    const upload = this.#all.get(key);
    if (upload === undefined) return;
    const { status, detail } = job;
    if (job.problem !== null) {
      if (job.problem.code !== "job_not_found" || upload.file !== null) {
        return this.#end(upload, { state: "failed", problem: job.problem });
      }
      return this.#drop(upload); // it is the upload of another user, or was deleted long ago
    }
    if (status === "receiving") {
      if (this.#is(upload, "checking") && upload.file === null && detail?.upload !== undefined) {
        upload.job = openJob({ jobId: job.jobId, upload: detail.upload }, false); // the list was not available
        this.#checked.remove(key);
        this.#lack(upload, undefined);
        this.#elsewhere.add(key, job.jobId);
      }
      if (!this.#is(upload, "needs-file")) return;
      const bytesSent = detail?.progress.bytesDone ?? 0;
      const before = this.#items.get(key)?.job?.detail?.progress.bytesDone ?? bytesSent;
      if (bytesSent > before) upload.movedAt = this.#client.environment.clock.now();
      this.#set(upload, { job, bytesSent });
    } else if (!ENDED.has(status)) {
      if (this.#is(upload, "needs-file")) this.#noLonger(upload);
      this.#set(upload, { job, state: "checking", bytesSent: upload.size });
    } else if (status === "completed") {
      const fileId = detail?.files[0]?.fileId || undefined; // 0 until it is in the catalogue
      this.#end(upload, { state: "completed", bytesSent: upload.size, job, fileId });
    } else if (status === "cancelled") {
      this.#end(upload, { state: "cancelled", job });
    } else {
      this.#leave(upload); // nothing more can be sent to it
      this.#end(upload, { state: "failed", job, problem: problemOfJob(job) });
    }
  }

  // --- files that are lacking ----------------------------------------------------------------------------------------

  #lack(upload: Upload, code: "file_changed" | "permission_denied" | undefined): void {
    this.#sender.stop(upload);
    this.#creator.closed(upload);
    const same = this.#lacking.get(upload.name) ?? new Set();
    this.#lacking.set(upload.name, same.add(upload));
    this.#set(upload, {
      state: "needs-file",
      hasHandle: upload.handle !== undefined,
      isElsewhere: !upload.begunHere || undefined,
      problem: code && { ...problem(code), title: TEXTS[code], message: TEXTS[code] },
    });
  }

  #noLonger(upload: Upload): void {
    const same = this.#lacking.get(upload.name);
    same?.delete(upload);
    if (same?.size === 0) this.#lacking.delete(upload.name);
    if (this.#items.get(upload.key)?.hasHandle !== undefined) this.#set(upload, { hasHandle: undefined });
  }

  #findLacking({ name, file }: NewFile, options: AddOptions): Upload | undefined {
    const before = this.#client.environment.clock.now() - LEFT_TO_OTHERS;
    const fitting = [...(this.#lacking.get(name) ?? [])].filter(
      (one) => one.size === file.size && mayContinue(one, options) && (one.movedAt ?? 0) <= before,
    );
    return fitting.find(({ lastModified }) => lastModified === file.lastModified) ?? fitting[0];
  }

  /** Goes on with this file, which is proven to be the same before anything is sent. */
  #use(upload: Upload, file: File, isRenamed = false): void {
    this.#noLonger(upload);
    this.#elsewhere.remove(upload.key);
    upload.file = file;
    upload.isRenamed = isRenamed;
    this.#set(upload, { isElsewhere: undefined });
    this.#remember(upload.key);
    if (upload.job !== null) {
      upload.job.proven = false;
      this.#creator.opened(upload);
    }
    if (file.size !== upload.size) this.#startAnew(upload);
    else this.#proceed(upload);
  }

  /** Reads files by their handles. Only a click may ask the user for permission. */
  async #open(uploads: readonly Upload[], mayAsk: boolean): Promise<void> {
    for (const upload of uploads) {
      /** Meanwhile it may have been cancelled, or have got its file in another way. */
      const isWanted = () => !this.#isClosed && this.#is(upload, "needs-file");
      if (!isWanted()) continue;
      try {
        const handle = upload.handle as PermissionHandle;
        let state = (await handle.queryPermission?.({ mode: "read" })) ?? "granted";
        if (state === "prompt" && mayAsk) state = (await handle.requestPermission?.({ mode: "read" })) ?? "granted";
        const file = state === "granted" ? await handle.getFile() : null;
        if (!isWanted()) continue;
        if (file !== null) this.#use(upload, file);
        else this.#lack(upload, state === "denied" ? "permission_denied" : undefined);
      } catch (error) {
        // Other errors say that the browser does not ask the user now, as without a click.
        const isGone = GONE.includes((error as Error).name);
        if (isGone && isWanted()) this.#lack(upload, "file_changed");
      }
    }
  }

  // --- what earlier pages have left ----------------------------------------------------------------------------------

  async #restore(): Promise<void> {
    const { records } = this.#browser;
    const [known, listed] = await Promise.all([records.load(this.#scope), this.#listed()]);
    const now = this.#client.environment.clock.now();
    const old = known.filter(({ addedAt }) => now - addedAt > REMEMBERED);
    if (this.#isClosed) return;
    for (const session of new Set(known.map(({ session }) => session))) this.#release.push(records.hold(session));
    const open = new Map(listed.map((item) => [item.jobId, item]));
    const lacking: Upload[] = [];
    const readable: Upload[] = [];
    for (const record of known) {
      if (this.#all.has(record.key) || old.includes(record)) continue;
      const item = record.jobId === undefined ? undefined : open.get(record.jobId);
      const upload = this.#restored({ ...record, begunHere: true }, item);
      if (item !== undefined) open.delete(item.jobId);
      if (record.jobId !== undefined && item === undefined) {
        this.#insert(upload, "checking", { jobId: record.jobId, bytesSent: record.size });
        this.#checked.add(record.key, record.jobId);
      } else {
        this.#insert(upload, "needs-file", sentOf(item));
        lacking.push(upload);
        if (record.handle !== undefined && !record.paused) readable.push(upload);
      }
    }
    for (const item of [...open.values()].reverse()) {
      const { name, size, lastModified, visibility } = item.upload;
      const modified = lastModified === null ? 0 : Date.parse(lastModified);
      const times = { lastModified: modified, addedAt: now };
      const options = { visibility };
      const upload = this.#restored({ key: item.jobId, name, size, ...times, begunHere: false, options }, item);
      this.#insert(upload, "needs-file", sentOf(item));
      lacking.push(upload);
    }
    for (const upload of lacking) {
      this.#lack(upload, undefined);
      if (upload.job !== null) this.#elsewhere.add(upload.key, upload.job.jobId);
    }
    void records.delete(old.map(({ key }) => key));
    void this.#open(readable, false);
  }

  /** Uploads that are open on the server, also those of other devices. Tried until it works. */
  async #listed(): Promise<UploadListItem[]> {
    for (let failures = 0; !this.#isClosed; failures += 1) {
      const outcome = await this.#api.receiving();
      if (outcome.ok) return outcome.value.filter(({ jobId }) => !this.#knows(jobId));
      if (outcome.problem.status !== null && outcome.problem.status < 500 && outcome.problem.status !== 429) break;
      await new Promise((resolve) => this.#client.environment.clock.setTimeout(resolve as () => void, 5_000));
    }
    return [];
  }

  #knows(jobId: string): boolean {
    for (const { job } of this.#all.values()) if (job?.jobId === jobId) return true;
    return false;
  }

  #restored(
    known: Pick<Upload, "key" | "name" | "size" | "lastModified" | "addedAt" | "begunHere" | "options"> & {
      handle?: FileSystemFileHandle | undefined;
    },
    item: UploadListItem | undefined,
  ): Upload {
    const { key, name, size, lastModified, addedAt, begunHere, options, handle } = known;
    const job = item === undefined ? null : openJob(item, false);
    return { key, name, size, lastModified, addedAt, begunHere, options, handle, file: null, job, run: null };
  }

  /** Saves the record of an upload soon, or deletes it if that has ended. */
  #remember(key: string): void {
    this.#unsaved.add(key);
    this.#saveTimer ??= this.#client.environment.clock.setTimeout(() => this.#save(SAVED_AT_ONCE), SAVE_EVERY);
  }

  #save(most = Number.POSITIVE_INFINITY): void {
    const { clock } = this.#client.environment;
    const [scope, session] = [this.#scope, this.#session];
    const records: UploadRecord[] = [];
    const over: string[] = [];
    for (const key of this.#unsaved) {
      if (records.length >= most) break;
      this.#unsaved.delete(key);
      const [upload, item] = [this.#all.get(key), this.#items.get(key)];
      if (upload === undefined || item === undefined || (UPLOAD_ENDED.has(item.state) && upload.job === null)) {
        over.push(key);
      } else {
        const { name, size, lastModified, addedAt, options, handle } = upload;
        const { jobId, state } = item;
        const paused = state === "paused" || undefined;
        records.push({ key, scope, session, name, size, lastModified, addedAt, options, handle, jobId, paused });
      }
    }
    clock.clearTimeout(this.#saveTimer);
    this.#saveTimer = this.#unsaved.size > 0 ? clock.setTimeout(() => this.#save(most), SAVE_EVERY) : null;
    if (records.length > 0) void this.#browser.records.save(records);
    if (over.length > 0) void this.#browser.records.delete(over);
  }

  // --- what users see ------------------------------------------------------------------------------------------------

  #insert(upload: Upload, state: UploadState, more: Partial<UploadItem> = {}): void {
    const { key, name, size, lastModified } = upload;
    this.#all.set(key, upload);
    this.#items.set({ key, name, size, lastModified, state, bytesSent: 0, ...more });
    this.#notifySoon();
  }

  #chosen(keys: string | readonly string[] = [...this.#all.keys()]): Upload[] {
    return [keys].flat().flatMap((key) => this.#all.get(key) ?? []);
  }

  #is({ key }: Upload, ...states: UploadState[]): boolean {
    const item = this.#items.get(key);
    return item !== undefined && states.includes(item.state);
  }

  #sendingState(): Changes {
    const why = this.#sender.outage;
    return why === null ? { state: "sending", problem: undefined } : { state: "offline", problem: why };
  }

  #reachabilityChanged(): void {
    const changes = this.#sendingState();
    for (const upload of this.#all.values()) {
      if (upload.run !== null && this.#is(upload, "sending", "offline")) this.#set(upload, changes);
    }
  }

  #hurry(): void {
    this.#sender.hurry();
    this.#creator.hurry();
  }

  /** Undefined removes a field. */
  #set({ key }: Upload, changes: Changes): void {
    const item = this.#items.get(key);
    if (item === undefined) return;
    const changed = { ...item, ...changes } as Record<string, unknown>;
    for (const name of Object.keys(changes)) if (changed[name] == null) delete changed[name];
    this.#items.set(changed as unknown as UploadItem);
    this.#notifySoon();
  }

  #notifySoon(): void {
    this.#timer ??= this.#client.environment.clock.setTimeout(() => this.#notify(), this.#throttle);
  }

  #notify(): void {
    const { clock } = this.#client.environment;
    this.#timer = null;
    const bytesPerSecond = this.#speed.at(clock.now());
    this.#sender.speed = bytesPerSecond;
    this.#snapshot = this.#items.snapshot(bytesPerSecond);
    clock.clearTimeout(this.#speedTimer);
    this.#speedTimer = bytesPerSecond > 0 ? clock.setTimeout(() => this.#notify(), SPEED_EVERY) : null;
    const begun = clock.now();
    for (const listener of [...this.#listeners]) listener();
    // React renders after its listener has returned, in a microtask of before this one.
    queueMicrotask(() => {
      this.#throttle = Math.max(THROTTLE, SHARE * (clock.now() - begun));
    });
  }
}

type Changes = { [Field in keyof UploadItem]?: UploadItem[Field] | null | undefined };

/** A file handle, with what only Chromium has. */
interface PermissionHandle extends FileSystemFileHandle {
  queryPermission?(options: { mode: "read" }): Promise<PermissionState>;
  requestPermission?(options: { mode: "read" }): Promise<PermissionState>;
}

/** Errors of a file that was changed, moved or deleted. */
const GONE: readonly string[] = ["NotFoundError", "NotReadableError"];
const TEXTS = {
  file_changed: "The file was changed, moved or deleted. Pick it again to upload it as it is now.",
  permission_denied: "This page may not read the file. Pick it again.",
};

/** Only an upload for the same users: it keeps those with which it was created. The server lists no groups. */
function mayContinue({ begunHere, options }: Upload, { visibility, groups = [] }: AddOptions): boolean {
  if (!begunHere) return options.visibility !== "shared" && options.visibility === (visibility ?? "private");
  return options.visibility === visibility && String([...(options.groups ?? [])].sort()) === String([...groups].sort());
}

function baseName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

function sentOf(item: UploadListItem | undefined): Partial<UploadItem> {
  if (item === undefined) return {};
  return { jobId: item.jobId, bytesSent: Math.floor(((item.percent ?? 0) / 100) * item.upload.size) };
}

function problemOfJob({ detail }: Job): Problem {
  const error = detail?.error;
  const message = error?.message ?? "The upload failed.";
  return { ...problem(error?.class ?? "internal"), title: message, message };
}
