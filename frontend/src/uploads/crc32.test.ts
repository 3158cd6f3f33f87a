import { expect, test } from "vitest";
import { crc32, hex } from "./crc32.ts";
import { crc32Of } from "./reading.ts";

/** Bit by bit, as the standard defines it (ISO 3309). */
function slow(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => (index * 197 + (index >> 3)) & 0xff);

test.each([
  ["", "00000000"],
  ["a", "e8b7be43"],
  ["123456789", "cbf43926"],
  ["The quick brown fox jumps over the lazy dog", "414fa339"],
])("the CRC-32 of %j is known", (text, expected) => {
  expect(hex(crc32(new TextEncoder().encode(text)))).toBe(expected);
});

test("it is right for every length, and from every place in a buffer", () => {
  for (let length = 0; length < 40; length += 1) {
    expect(crc32(bytes.subarray(length, 3 * length))).toBe(slow(bytes.subarray(length, 3 * length)));
  }
});

test("it goes on from that of the bytes before", () => {
  for (const place of [0, 1, 7, 8, 9, 500, 1_000]) {
    expect(crc32(bytes.subarray(place), crc32(bytes.subarray(0, place)))).toBe(slow(bytes));
  }
});

test("a file is read in pieces, whose sum is that of the whole", async () => {
  const large = new Uint8Array(2_500_000).map((_, index) => (index * 31) & 0xff);
  expect(await crc32Of(new Blob([large]))).toBe(crc32(large));
});
