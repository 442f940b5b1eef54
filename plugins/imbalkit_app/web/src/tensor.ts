/** Pixels as a model's input tensor. */

import type { Input } from "./card";
import type { Picture } from "./resize";

/** One picture of the input's size and channels in the input's type, range and order of axes. */
export function inputTensor(picture: Picture, input: Input): Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  const { data, channels } = picture;
  const values = input.type === "uint8" ? new Uint8Array(data.length) : new Float32Array(data.length);
  const area = picture.width * picture.height;
  for (let i = 0; i < data.length; i++) {
    const to = input.layout === "NHWC" ? i : (i % channels) * area + Math.floor(i / channels);
    values[to] = input.largest === 1 ? data[i]! / 255 : data[i]!;
  }
  return values;
}
