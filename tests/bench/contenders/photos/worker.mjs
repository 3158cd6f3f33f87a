// A BullMQ worker that makes a thumbnail and a web-size picture of each photo, and writes them to the same S3 store.
//
// Standard input has the work as JSON: the store, Redis, the keys of the photos, and how many are made at once. Standard
// output gets what it took. The jobs are added first; the clock runs from before that until the last one is done.

import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { text } from "node:stream/consumers";

import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import sharp from "sharp";

const work = JSON.parse(await text(process.stdin));
sharp.concurrency(1); // a photo a core, as the other side
sharp.cache(false);
const client = new S3Client({
  endpoint: work.endpoint,
  region: work.region,
  credentials: { accessKeyId: work.accessKey, secretAccessKey: work.secretKey },
  forcePathStyle: true,
  requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: 16 }) },
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
});
const connection = new Redis({ ...work.redis, maxRetriesPerRequest: null });
const queue = new Queue("photos", { connection });
await queue.obliterate({ force: true });

const began = performance.now();
const before = process.cpuUsage();
await queue.addBulk(work.keys.map((key) => ({ name: "photo", data: { key }, opts: { attempts: 3 } })));
let left = work.keys.length;
await new Promise((resolve, reject) => {
  const worker = new Worker("photos", (job) => make(job.data.key), { connection, concurrency: work.concurrency });
  worker.on("completed", () => --left || resolve());
  worker.on("failed", (_, error) => reject(error));
  worker.on("error", reject);
});
const used = process.cpuUsage(before);
console.log(
  JSON.stringify({
    seconds: (performance.now() - began) / 1e3,
    cpu: (used.user + used.system) / 1e6,
    peak: Number(readFileSync("/proc/self/status", "latin1").match(/VmHWM:\s*(\d+)/)[1]) * 1024,
  }),
);
process.exit(0); // the connections that are kept open would keep it from ending

async function make(key) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: work.bucket, Key: key }));
  const photo = Buffer.from(await Body.transformToByteArray());
  for (const [name, size, quality] of work.outputs) {
    const picture = await sharp(photo, { limitInputPixels: 100_000_000 })
      .rotate()
      .resize({ width: size, height: size, fit: "inside", withoutEnlargement: true })
      .webp({ quality })
      .toBuffer();
    await client.send(
      new PutObjectCommand({ Bucket: work.bucket, Key: `made/${key}-${name}.webp`, Body: picture, ContentType: "image/webp" }),
    );
  }
}
