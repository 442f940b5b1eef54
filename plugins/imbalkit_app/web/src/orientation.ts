/** Turning pictures upright where the browser does not: Chromium knows the EXIF orientation of JPEG and PNG, and not of WebP. */

const TAG = 0x0112; // Orientation
const SHORT = 3;

/** A WebP of 2 by 1 px that is to be shown 1 by 2 (made by Pillow). */
const TURNED = "UklGRk4AAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TA4AAAAvAQAAAAcQEf0PRET/A0VYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAA=";

let turns: Promise<boolean> | null = null;

/** The EXIF orientation, 1 to 8, that the browser leaves to us; 1 for a picture that it turns, or that need not be. */
export async function leftToTurn(file: Blob): Promise<number> {
  if (!isWebp(new Uint8Array(await file.slice(0, 12).arrayBuffer()))) return 1; // the others are not read once more
  const orientation = webpOrientation(new Uint8Array(await file.arrayBuffer()));
  return orientation !== 1 && !(await browserTurns()) ? orientation : 1;
}

/** The picture for the stage. */
export async function uprightBitmap(file: Blob): Promise<ImageBitmap> {
  const [bitmap, orientation] = await Promise.all([createImageBitmap(file), leftToTurn(file)]);
  if (orientation === 1) return bitmap;
  const { width, height } = turnedSize(bitmap, orientation);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) return bitmap;
  context.setTransform(...turning(bitmap, orientation));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas.transferToImageBitmap();
}

/** The size of a picture once it is turned. */
export function turnedSize({ width, height }: Size, orientation: number): Size {
  return orientation > 4 ? { width: height, height: width } : { width, height };
}

/** The canvas transform (a, b, c, d, e, f) that draws a picture of this size turned: x' = a x + c y + e, y' = b x + d y + f. */
export function turning({ width, height }: Size, orientation: number): Transform {
  switch (orientation) {
    case 2: return [-1, 0, 0, 1, width, 0];
    case 3: return [-1, 0, 0, -1, width, height];
    case 4: return [1, 0, 0, -1, 0, height];
    case 5: return [0, 1, 1, 0, 0, 0];
    case 6: return [0, 1, -1, 0, height, 0];
    case 7: return [0, -1, -1, 0, height, width];
    case 8: return [0, -1, 1, 0, 0, width];
    default: return [1, 0, 0, 1, 0, 0];
  }
}

/** The orientation in a WebP's EXIF chunk; 1 for another file, and where it has none. */
export function webpOrientation(bytes: Uint8Array): number {
  if (!isWebp(bytes)) return 1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (text(bytes, at) === "EXIF") return exifOrientation(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  return 1;
}

function isWebp(start: Uint8Array): boolean {
  return text(start, 0) === "RIFF" && text(start, 8) === "WEBP";
}

function exifOrientation(exif: Uint8Array): number {
  const tiff = text(exif, 0) === "Exif" ? exif.subarray(6) : exif;
  const order = text(tiff, 0).slice(0, 2);
  if (order !== "II" && order !== "MM") return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = order === "II";
  try {
    const first = view.getUint32(4, little);
    const entries = view.getUint16(first, little);
    for (let i = 0; i < entries; i++) {
      const entry = first + 2 + 12 * i;
      if (view.getUint16(entry, little) !== TAG || view.getUint16(entry + 2, little) !== SHORT) continue;
      const found = view.getUint16(entry + 8, little);
      return found >= 1 && found <= 8 ? found : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // a damaged tag turns nothing
  }
  return 1;
}

async function browserTurns(): Promise<boolean> {
  turns ??= createImageBitmap(new Blob([Uint8Array.from(atob(TURNED), (char) => char.charCodeAt(0))])).then(
    ({ width }) => width === 1,
    () => false,
  );
  return turns;
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

type Transform = [number, number, number, number, number, number];
