// Packs objects of an S3 store into one ZIP there, with archiver and the AWS SDK's Upload.
//
// Standard input has the work as JSON, standard output gets what it took. Objects are opened one after the other, as the
// archive takes them: opened all at once, they would hold a socket each, and time out.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";

import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { ZipArchive } from "archiver";

const MIB = 1 << 20;

const work = JSON.parse(await text(process.stdin));
const client = connect();
const began = performance.now();
const before = process.cpuUsage();
await pack();
const used = process.cpuUsage(before);
console.log(
  JSON.stringify({
    seconds: (performance.now() - began) / 1e3,
    cpu: (used.user + used.system) / 1e6,
    peak: Number(readFileSync("/proc/self/status", "latin1").match(/VmHWM:\s*(\d+)/)[1]) * 1024,
  }),
);
process.exit(0); // the sockets that are kept alive would keep it from ending

function connect() {
  const client = new S3Client({
    endpoint: work.endpoint,
    region: work.region,
    credentials: { accessKeyId: work.accessKey, secretAccessKey: work.secretKey },
    forcePathStyle: true,
    requestHandler: { httpAgent: new Agent({ keepAlive: true, maxSockets: 64 }) },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  // As Haulage does: TLS guards the bytes on their way, so nobody hashes every part for the signature.
  client.middlewareStack.add(
    (next) => (args) => {
      args.request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      return next(args);
    },
    { step: "build" },
  );
  return client;
}

async function pack() {
  const archive = new ZipArchive({ store: true });
  const body = new PassThrough({ highWaterMark: 8 * MIB });
  const upload = new Upload({
    client,
    params: { Bucket: work.bucket, Key: work.target, Body: body, ContentType: "application/zip" },
    partSize: 8 * MIB,
    queueSize: 4,
  });
  archive.on("error", (error) => body.destroy(error));
  archive.pipe(body);
  await Promise.all([upload.done(), fill(archive)]);
}

async function fill(archive) {
  for (const { key, name } of work.files) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: work.bucket, Key: key }));
    const taken = once(archive, "entry");
    archive.append(Body, { name });
    await taken;
  }
  await archive.finalize();
}
