/** The page's arithmetic beside the engine's, on vectors that tests/vectors.py wrote. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readCard, type Input } from "../src/card";
import { abstains, decide } from "../src/decision";
import { grey, resize, type Interpolation, type Picture, type Resize } from "../src/resize";
import { inputTensor } from "../src/tensor";
import vectors from "./vectors.json";

/** The picture of vectors.py. */
function picture(height: number, width: number, channels: number, seed: number): Picture {
  const data = new Uint8Array(height * width * channels);
  let state = seed + 1;
  for (let i = 0; i < data.length; i++) {
    state = (state * 48271) % 2147483647;
    const noise = state >> 23;
    data[i] = seed % 2 === 0 ? noise : Math.floor(noise / 8) + Math.floor((i * 224) / data.length);
  }
  return { width, height, channels, data };
}

function sha256(data: Uint8Array | Uint8ClampedArray | Float32Array): string {
  return createHash("sha256").update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest("hex");
}

describe("resize", () => {
  test.each(vectors.resizes)("$resize $interpolation $source to $size", (vector) => {
    const [height, width] = vector.size as [number, number];
    const [sourceHeight, sourceWidth] = vector.source as [number, number];
    const rule = { width, height, resize: vector.resize as Resize, interpolation: vector.interpolation as Interpolation };
    const made = resize(picture(sourceHeight, sourceWidth, 3, vector.seed), rule);
    expect([made.height, made.width]).toEqual(vector.size);
    expect(sha256(made.data)).toBe(vector.sha256);
    expect(sha256(grey(made).data)).toBe(vector.grey);
  });

  test("a thread cannot be cropped", () => {
    const thread = { width: 1, height: 20_000, channels: 3, data: new Uint8Array(60_000) };
    const rule = { width: 224, height: 224, resize: "crop", interpolation: "bilinear" } as const;
    expect(() => resize(thread, rule)).toThrow("too thin");
  });
});

test.each(vectors.tensors)("input tensor $layout, $channels channels, $type to $largest", (vector) => {
  const { layout, type, largest, channels } = vector as Pick<Input, "layout" | "type" | "largest" | "channels">;
  const input: Input = { height: 5, width: 4, channels, layout, type, largest };
  expect(sha256(inputTensor(picture(5, 4, channels, 2), input))).toBe(vector.sha256);
});

describe("decisions", () => {
  test.each(vectors.decisions.rules.map((rule, index) => ({ ...rule, index })))("rule $index", (rule) => {
    const card = readCard(JSON.stringify(rule.card));
    const { probabilities } = vectors.decisions;
    expect(probabilities.map((each) => decide(each, card))).toEqual(rule.predicted);
    expect(probabilities.map((each) => abstains(each, card))).toEqual(rule.abstained);
  });
});
