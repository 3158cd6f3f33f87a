// Makes what Haulage makes of an image, by sharp: `node images.mjs SOURCE FOLDER`.
import sharp from "sharp";

const [source, folder] = process.argv.slice(2);
const inside = (side) => ({ width: side, height: side, fit: "inside", withoutEnlargement: true });
sharp.cache(false);
sharp.concurrency(1);
// Decoded once, as Haulage does: the thumbnail is made of the web size.
const { data, info } = await sharp(source, { failOn: "error" })
  .rotate()
  .resize(inside(1600))
  .toColourspace("srgb")
  .raw()
  .toBuffer({ resolveWithObject: true });
const raw = { width: info.width, height: info.height, channels: info.channels };
await sharp(data, { raw }).webp({ quality: 80 }).toFile(`${folder}/web.webp`);
await sharp(data, { raw }).resize(inside(320)).webp({ quality: 80 }).toFile(`${folder}/thumbnail.webp`);
