// Verifies messages as a receiver does: `v1` by the reference library of npm, `v1a` by Node's own crypto and nothing but the
// public key as it is shown to people. Reads a JSON array of {secret, publicKey, headers, body}, body in Base64, from standard
// input; prints one of {v1, v1a}, each null or why the message is refused.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

/** What comes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 10.1). */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

function symmetric({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return null;
  } catch (error) {
    return error.message;
  }
}

function asymmetric({ publicKey, headers, body }) {
  const raw = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64");
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
  const signatures = headers["webhook-signature"].split(" ").map((text) => text.split(","));
  const matches = signatures.some(
    ([version, text]) => version === "v1a" && verify(null, signed, key, Buffer.from(text, "base64")),
  );
  return matches ? null : "No matching signature found";
}

const messages = JSON.parse(readFileSync(0, "utf8"));
const results = messages.map((message) => {
  const decoded = { ...message, body: Buffer.from(message.body, "base64") };
  return { v1: symmetric(decoded), v1a: asymmetric(decoded) };
});
console.log(JSON.stringify(results));
