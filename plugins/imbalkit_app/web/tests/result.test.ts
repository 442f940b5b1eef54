import { expect, test } from "vitest";
import { readCard } from "../src/card";
import { result, type Shot } from "../src/result";
import { average } from "../src/smoothing";
import { legend } from "../src/words";

const FACTS = { file: "moles.tflite", bytes: 7, sha256: "ab", imbalkit: "1" };
const CARD = readCard(
  JSON.stringify({
    format: 1,
    name: "Moles",
    classes: ["other", "melanoma"],
    positive: "melanoma",
    threshold: 0.5,
    input: { height: 8, width: 8, channels: 3, layout: "NHWC", type: "uint8", range: [0, 255] },
    resize: "stretch",
    interpolation: "bilinear",
  }),
);

function shot(p: number, source: string, sharpness = 40): Shot {
  const quality = { sharpness, light: 150, black: 0, white: 0, motion: null };
  return { source, smoothed: average([[1 - p, p]])!, quality };
}

test("a result says what predict says, and of which file", () => {
  const made = result([shot(0.75, "a.jpg", 1)], CARD, FACTS, "wasm", new Date(0));
  expect(made).toMatchObject({
    file: "a.jpg",
    model: { name: "Moles", ...FACTS },
    classes: ["other", "melanoma"],
    probabilities: [0.25, 0.75],
    decision: "melanoma",
    abstained: false,
    threshold: 0.5,
    quality: { sharpness: 1, retake: ["blurred"] },
    shots: 1,
    time: "1970-01-01T00:00:00.000Z",
  });
});

test("several shots are decided by their mean", () => {
  const made = result([shot(0.9, "camera"), shot(0.01, "camera")], CARD, FACTS, "wasm", new Date(0));
  expect(made.decision).toBe("other"); // logits: +2.2 and -4.6
  expect(made.shots).toBe(2);
  expect(made.spread[1]).toBeCloseTo(0.445, 12);
});

test("one shot of several frames keeps their spread", () => {
  const frames = average([[0.4, 0.6], [0.2, 0.8]])!;
  const made = result([{ ...shot(0, "camera"), smoothed: frames }], CARD, FACTS, "wasm", new Date(0));
  expect(made.spread[1]).toBeCloseTo(0.1, 12);
  expect(legend(frames.count, made.shots, true)).toMatch(/last 2 frames.*threshold/);
  expect(legend(3, 3, false)).toMatch("3 shots");
  expect(legend(1, 1, false)).toBe("");
});
