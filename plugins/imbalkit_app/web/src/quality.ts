/** Is a frame good enough to be read? Judged on a small grey picture of what the model sees. */

import { grey, resize, type Picture } from "./resize";

export const SIDE = 160; // px of the grey picture: blur is judged at this size, whatever the camera's

/*
 * The limits below were set on 240 dermoscopic photographs of ham10000 (224 px, evenly drawn). Other kinds of pictures may
 * need others: they only advise, no answer depends on them.
 */

/**
 * Variance of the Laplacian below which a picture is blurred. The photographs have 10.3 at least; after a Gaussian blur of
 * 2 px, 237 of the 240 are below 8.
 */
export const LEAST_SHARPNESS = 8;
/** Mean grey (0..255) below which a picture is too dark: the photographs have 98 at least, at a quarter of the light 52 at most. */
export const LEAST_LIGHT = 60;
/** Mean grey above which it is too bright: the photographs have 207 at most. */
export const MOST_LIGHT = 220;
/** Share of black (<= 4) or white (>= 251) pixels from which detail is lost; the dark corners of a round lens are 0.21. */
export const MOST_CLIPPED = 0.25;
/** Difference of consecutive frames from which the camera moves: the median photograph has 5.6 after 4 px (of 160), 8.4 after 8. */
export const MOST_MOTION = 6;
/** Difference from which it is another scene, so that what was seen before is forgotten: 23 between two photographs at the median. */
export const OTHER_SCENE = 14;

export interface Quality {
  readonly sharpness: number;
  readonly light: number;
  readonly black: number;
  readonly white: number;
  readonly motion: number | null; // null without a frame before
}

export type Reason = "blurred" | "dark" | "bright" | "moving";

/** SIDE x SIDE grey of any picture. */
export function smallGrey(picture: Picture): Picture {
  return grey(resize(picture, { width: SIDE, height: SIDE, resize: "stretch", interpolation: "bilinear" }));
}

/** Measures a grey picture, and its difference from the one before. */
export function measure(now: Picture, before: Picture | null): Quality {
  const { data } = now;
  let [total, black, white] = [0, 0, 0];
  for (const value of data) {
    total += value;
    if (value <= 4) black++;
    if (value >= 251) white++;
  }
  return {
    sharpness: laplacianVariance(now),
    light: total / data.length,
    black: black / data.length,
    white: white / data.length,
    motion: before === null ? null : difference(now.data, before.data),
  };
}

/** Why the picture should be taken again; empty for a good one. */
export function reasons(quality: Quality): Reason[] {
  const found: Reason[] = [];
  if (quality.light < LEAST_LIGHT || quality.black >= MOST_CLIPPED) found.push("dark");
  if (quality.light > MOST_LIGHT || quality.white >= MOST_CLIPPED) found.push("bright");
  if (quality.motion !== null && quality.motion >= MOST_MOTION) found.push("moving");
  if (quality.sharpness < LEAST_SHARPNESS) found.push("blurred");
  return found;
}

/** Variance of the 4-neighbour Laplacian over the inner pixels (Pech-Pacheco et al. 2000). */
export function laplacianVariance({ width, height, data }: Picture): number {
  let [sum, squares] = [0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1, i = y * width + 1; x < width - 1; x++, i++) {
      const value = data[i - 1]! + data[i + 1]! + data[i - width]! + data[i + width]! - 4 * data[i]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = (width - 2) * (height - 2);
  return squares / count - (sum / count) ** 2;
}

/** Mean absolute difference after the means are taken off, so that a light that is switched on is no motion. */
export function difference(now: ArrayLike<number>, before: ArrayLike<number>): number {
  let offset = 0;
  for (let i = 0; i < now.length; i++) offset += now[i]! - before[i]!;
  offset /= now.length;
  let total = 0;
  for (let i = 0; i < now.length; i++) total += Math.abs(now[i]! - before[i]! - offset);
  return total / now.length;
}
