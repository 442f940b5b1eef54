/**
 * The engine's resize (imbalkit_lite/images.py) once more, equal to the bit: Pillow's resampling in 8-bit fixed point.
 * That file describes the rule.
 */

export type Resize = "stretch" | "crop" | "pad";
export type Interpolation = "nearest" | "bilinear" | "bicubic" | "lanczos";

/** Pixels in rows from the top, `channels` bytes each. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface ResizeRule {
  readonly width: number;
  readonly height: number;
  readonly resize: Resize;
  readonly interpolation: Interpolation;
}

const BITS = 22; // of a weight behind the point: Pillow's PRECISION_BITS
const MOST_PIXELS = 2 ** 28; // of a scaled picture before it is cropped

interface Kernel {
  readonly support: number;
  weight(x: number): number;
}

const KERNELS: Record<Exclude<Interpolation, "nearest">, Kernel> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (-3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** A picture of any size to the rule's. Throws RangeError where it is too thin to be cropped. */
export function resize(picture: Picture, rule: ResizeRule): Picture {
  const { width: w, height: h } = rule;
  const { width, height } = picture;
  if (rule.resize === "stretch") return scale(picture, w, h, rule.interpolation);
  const byHeight = h * width >= w * height;
  const tall = round(width * h, height); // the free side, scaled to the height
  const wide = round(height * w, width); // or to the width
  if (rule.resize === "crop") {
    const [newWidth, newHeight] = byHeight ? [Math.max(w, tall), h] : [w, Math.max(h, wide)];
    if (newWidth * newHeight > MOST_PIXELS) {
      throw new RangeError(`A picture of ${width} x ${height} px is too thin to be cropped to ${w} x ${h} px.`);
    }
    const left = Math.floor((newWidth - w) / 2);
    const top = Math.floor((newHeight - h) / 2);
    return cut(scale(picture, newWidth, newHeight, rule.interpolation), left, top, w, h);
  }
  const [newWidth, newHeight] = byHeight ? [w, Math.max(1, wide)] : [Math.max(1, tall), h];
  return onBlack(scale(picture, newWidth, newHeight, rule.interpolation), w, h);
}

/** `round(a / b)`, half up, of whole numbers. */
function round(a: number, b: number): number {
  return Math.floor((2 * a + b) / (2 * b));
}

function scale(picture: Picture, width: number, height: number, how: Interpolation): Picture {
  if (picture.width === width && picture.height === height) return picture;
  if (how === "nearest") return nearest(picture, width, height);
  return scaleColumns(scaleRows(picture, width, KERNELS[how]), height, KERNELS[how]);
}

function nearest(picture: Picture, width: number, height: number): Picture {
  const { channels, data } = picture;
  const out = new Uint8Array(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((2 * y + 1) * picture.height) / (2 * height)) * picture.width;
    for (let x = 0; x < width; x++) {
      const from = (row + Math.floor(((2 * x + 1) * picture.width) / (2 * width))) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
    }
  }
  return { width, height, channels, data: out };
}

/** For each output the first input and the weights of the inputs from there on, in units of 2^-22. */
interface Taps {
  readonly size: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

function taps(from: number, to: number, kernel: Kernel): Taps {
  const s = from / to;
  const stretch = Math.max(s, 1);
  const support = kernel.support * stretch;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * size);
  const exact = new Float64Array(size);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * s;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const length = Math.min(from, Math.trunc(centre + support + 0.5)) - start;
    const inverse = 1 / stretch; // Pillow multiplies by it
    let total = 0;
    for (let j = 0; j < length; j++) total += exact[j] = kernel.weight((j + start - centre + 0.5) * inverse);
    for (let j = 0; j < length; j++) {
      const weight = total === 0 ? exact[j]! : exact[j]! / total;
      weights[i * size + j] = Math.trunc(weight * 2 ** BITS + (weight < 0 ? -0.5 : 0.5));
    }
    first[i] = start;
    count[i] = length;
  }
  return { size, first, count, weights };
}

function scaleRows(picture: Picture, width: number, kernel: Kernel): Picture {
  if (picture.width === width) return picture;
  const { height, channels, data } = picture;
  const { size, first, count, weights } = taps(picture.width, width, kernel);
  const out = new Uint8ClampedArray(width * height * channels);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const start = (y * picture.width + first[x]!) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 1 << (BITS - 1);
        for (let j = 0, from = start + c; j < count[x]!; j++, from += channels) sum += data[from]! * weights[x * size + j]!;
        out[to++] = sum >> BITS;
      }
    }
  }
  return { width, height, channels, data: out };
}

function scaleColumns(picture: Picture, height: number, kernel: Kernel): Picture {
  if (picture.height === height) return picture;
  const { width, channels, data } = picture;
  const { size, first, count, weights } = taps(picture.height, height, kernel);
  const stride = width * channels;
  const out = new Uint8ClampedArray(stride * height);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (BITS - 1));
    for (let j = 0, from = first[y]! * stride; j < count[y]!; j++) {
      const weight = weights[y * size + j]!;
      for (let x = 0; x < stride; x++) sums[x]! += data[from++]! * weight;
    }
    for (let x = 0, to = y * stride; x < stride; x++) out[to++] = sums[x]! >> BITS;
  }
  return { width, height, channels, data: out };
}

/** The part of a picture from (left, top) on. */
export function cut(picture: Picture, left: number, top: number, width: number, height: number): Picture {
  if (width === picture.width && height === picture.height) return picture;
  const { channels } = picture;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    data.set(picture.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data };
}

function onBlack(picture: Picture, width: number, height: number): Picture {
  if (width === picture.width && height === picture.height) return picture;
  const { channels } = picture;
  const left = Math.floor((width - picture.width) / 2);
  const top = Math.floor((height - picture.height) / 2);
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * channels, (y + 1) * picture.width * channels);
    data.set(row, ((top + y) * width + left) * channels);
  }
  return { width, height, channels, data };
}

/** RGBA, as a canvas gives it, without the A. */
export function withoutAlpha(rgba: Uint8ClampedArray, width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    data[to++] = rgba[from]!;
    data[to++] = rgba[from + 1]!;
    data[to++] = rgba[from + 2]!;
  }
  return { width, height, channels: 3, data };
}

/** RGB to one channel as Pillow's convert("L") does it: ITU-R 601 in 16-bit fixed point. */
export function grey(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const data = new Uint8Array(picture.width * picture.height);
  for (let i = 0, from = 0; i < data.length; i++, from += 3) {
    const [r, g, b] = [picture.data[from]!, picture.data[from + 1]!, picture.data[from + 2]!];
    data[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
  }
  return { width: picture.width, height: picture.height, channels: 1, data };
}
