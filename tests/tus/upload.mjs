// Uploads a file by a client of tus, which goes on as often as it is broken off. Arguments: "tus" or "uppy", endpoint, path,
// milliseconds between two tries. Prints the URL of the upload.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";
import { Upload } from "tus-js-client";

const [client, endpoint, path, delay] = process.argv.slice(2);
const data = readFileSync(path);
const retryDelays = Array(500).fill(Number(delay));

function withTus() {
  return new Promise((resolve, reject) => {
    const upload = new Upload(data, {
      endpoint,
      retryDelays,
      metadata: { filename: basename(path), filetype: "application/octet-stream" },
      onError: reject,
      onSuccess: () => resolve(upload.url),
    });
    upload.start();
  });
}

/** For the Node build of tus-js-client, which reads no blobs. */
const fileReader = {
  openFile: async (blob) => ({
    size: blob.size,
    slice: async (start, end) => {
      const value = Buffer.from(await blob.slice(start, end).arrayBuffer());
      value.size = value.length;
      return { value, done: end >= blob.size };
    },
    close() {},
  }),
};

async function withUppy() {
  const uppy = new Uppy({ debug: false }).use(Tus, { endpoint, retryDelays, fileReader });
  uppy.addFile({ name: basename(path), type: "application/octet-stream", data: new Blob([data]) });
  const { successful, failed } = await uppy.upload();
  if (failed.length > 0) throw new Error(failed[0].error);
  return successful[0].uploadURL;
}

console.log(await { tus: withTus, uppy: withUppy }[client]());
process.exit(0);
