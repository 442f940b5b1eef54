import { describe, expect, test } from "vitest";
import { difference, laplacianVariance, measure, reasons, SIDE, smallGrey, type Quality } from "../src/quality";
import type { Picture } from "../src/resize";

const GOOD: Quality = { sharpness: 40, light: 150, black: 0, white: 0, motion: 1 };

function painted(paint: (x: number, y: number) => number, side = SIDE): Picture {
  const data = Uint8Array.from({ length: side * side }, (_, i) => paint(i % side, Math.floor(i / side)));
  return { width: side, height: side, channels: 1, data };
}

describe("measures", () => {
  test("a ramp has no Laplacian, a point has the textbook's", () => {
    expect(laplacianVariance(painted((x) => x))).toBe(0);
    // A point of 1 in 5x5: inner Laplacians are -4 once, 1 four times, 0 four times: mean 0, variance 20 / 9.
    expect(laplacianVariance(painted((x, y) => Number(x === 2 && y === 2), 5))).toBeCloseTo(20 / 9, 12);
  });

  test("blurring a pattern lowers its sharpness", () => {
    const stripes = (period: number): number => laplacianVariance(painted((x) => (x % period < period / 2 ? 60 : 180)));
    expect(stripes(4)).toBeGreaterThan(stripes(16));
  });

  test("light and clipped shares", () => {
    const half = painted((x) => (x < SIDE / 2 ? 0 : 255));
    expect(measure(half, null)).toMatchObject({ light: 127.5, black: 0.5, white: 0.5, motion: null });
  });

  test("a light that is switched on is no motion, a shift is", () => {
    const pattern = (shift: number, light: number) => painted((x, y) => light + (((x + shift) * 7 + y * 13) % 50));
    expect(difference(pattern(0, 100).data, pattern(0, 60).data)).toBeCloseTo(0, 12);
    expect(difference(pattern(3, 100).data, pattern(0, 100).data)).toBeGreaterThan(5);
  });

  test("the small picture has one size, whatever the frame's", () => {
    const frame = { width: 400, height: 300, channels: 3, data: new Uint8Array(400 * 300 * 3).fill(90) };
    expect(smallGrey(frame)).toMatchObject({ width: SIDE, height: SIDE, channels: 1 });
    expect(new Set(smallGrey(frame).data)).toEqual(new Set([90]));
  });
});

test.each([
  [GOOD, []],
  [{ ...GOOD, motion: null }, []],
  [{ ...GOOD, sharpness: 3 }, ["blurred"]],
  [{ ...GOOD, light: 30 }, ["dark"]],
  [{ ...GOOD, black: 0.4 }, ["dark"]],
  [{ ...GOOD, light: 240 }, ["bright"]],
  [{ ...GOOD, white: 0.3 }, ["bright"]],
  [{ ...GOOD, motion: 12, sharpness: 2 }, ["moving", "blurred"]],
])("%o is to be taken again for %o", (quality, expected) => {
  expect(reasons(quality)).toEqual(expected);
});
