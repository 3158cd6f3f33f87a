// CRC-32 (that of ZIP, PNG and S3) by slicing-by-8: eight table look-ups for eight bytes at once.

const TABLES = /* @__PURE__ */ makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    first[byte] = value;
  }
  const tables = [first];
  for (let slice = 1; slice < 8; slice += 1) {
    const before = tables[slice - 1] as Uint32Array;
    tables.push(before.map((value) => (first[value & 0xff] as number) ^ (value >>> 8)));
  }
  return tables;
}

/** The CRC-32 of `bytes`, an unsigned integer. `previous`: that of the bytes before them. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const whole = bytes.length - (bytes.length % 8);
  const at = (table: Uint32Array, index: number) => table[index] as number;
  const byte = (index: number) => bytes[index] as number;
  let crc = ~previous;
  let i = 0;
  for (; i < whole; i += 8) {
    crc ^= byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24);
    crc =
      at(t7, crc & 0xff) ^
      at(t6, (crc >>> 8) & 0xff) ^
      at(t5, (crc >>> 16) & 0xff) ^
      at(t4, crc >>> 24) ^
      at(t3, byte(i + 4)) ^
      at(t2, byte(i + 5)) ^
      at(t1, byte(i + 6)) ^
      at(t0, byte(i + 7));
  }
  for (; i < bytes.length; i += 1) crc = at(t0, (crc ^ byte(i)) & 0xff) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** As the server writes it: eight digits in lower-case hex. */
export function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
