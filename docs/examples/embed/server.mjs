// The server of an app: it serves the page, and signs grants with its key. Haulage never calls it.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { importPKCS8, SignJWT } from "jose";

const { APP_KEY = "app.pem", APP_KEY_ID, PORT = "3000" } = process.env;
const key = await importPKCS8(await readFile(APP_KEY, "utf8"), "ES256");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript" };

/** A grant for the files that this user may download. Short: the page gets another one while it is used. */
function grantFor(user) {
  return new SignJWT({ grant: { files: user.photos, jobs: 3, archiveName: "photos", onMissing: "skip" } })
    .setProtectedHeader({ alg: "ES256", kid: APP_KEY_ID })
    .setIssuer("portal")
    .setAudience("haulage")
    .setSubject(user.id) // each user has a subject of its own, and sees only the jobs of that
    .setJti(`photos-${user.id}`) // `jobs` is counted by this: a renewed grant allows no more than the first one
    .setIssuedAt()
    .setExpirationTime("5 minutes")
    .sign(key);
}

/** Who the app knows this request to come from; here it is always the same user. */
function userOf(_request) {
  return { id: "user-7", photos: [10000, 10001, 10002] };
}

createServer(async (request, response) => {
  const path = new URL(request.url, "http://app").pathname;
  if (path === "/grant") {
    response.setHeader("Content-Type", "text/plain");
    response.setHeader("Cache-Control", "no-store");
    response.end(await grantFor(userOf(request)));
    return;
  }
  try {
    const file = path === "/" ? "/index.html" : path; // a URL has no `..` any more
    const content = await readFile(new URL(`dist${file}`, import.meta.url));
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}).listen(Number(PORT), "127.0.0.1", () => console.log(`The app is at http://127.0.0.1:${PORT}/`));
