import { describe, expect, test } from "vitest";
import { average, logits, softmax, Window } from "../src/smoothing";

describe("mean of logits", () => {
  test("softmax of logarithms gives the probabilities back", () => {
    const back = softmax(logits([0.7, 0.2, 0.1]));
    [0.7, 0.2, 0.1].forEach((p, i) => expect(back[i]).toBeCloseTo(p, 12));
  });

  test("of two answers is their normalised geometric mean", () => {
    const [a, b] = [Math.sqrt(0.9 * 0.4), Math.sqrt(0.1 * 0.6)];
    const found = average([[0.9, 0.1], [0.4, 0.6]])!;
    expect(found.probabilities[0]).toBeCloseTo(a / (a + b), 12);
    expect(found.count).toBe(2);
  });

  test("a single answer is given as it is, without spread", () => {
    const answer = Float32Array.of(0.1, 0.9);
    expect(Array.from(average([answer])!.probabilities)).toEqual(Array.from(answer));
    expect(Array.from(average([answer])!.spread)).toEqual([0, 0]);
  });

  test("spread is the standard deviation of the answers", () => {
    expect(average([[0.2, 0.8], [0.4, 0.6]])!.spread[0]).toBeCloseTo(0.1, 12);
  });

  test("a probability of 0 does not outweigh the others for ever", () => {
    const found = average([[0, 1], ...Array.from({ length: 9 }, () => [0.9, 0.1])])!;
    expect(found.probabilities[0]).toBeGreaterThan(0.5);
    expect(found.probabilities[0]).toBeLessThan(0.9);
  });

  test("nothing has no mean", () => expect(average([])).toBeNull());
});

describe("a window", () => {
  test("forgets what is older, and everything when it is cleared", () => {
    const window = new Window(2);
    for (const p of [0.01, 0.5, 0.5]) window.add([p, 1 - p]);
    expect(window.smoothed!.count).toBe(2);
    expect(window.smoothed!.probabilities[0]).toBeCloseTo(0.5, 12);
    window.clear();
    expect(window.smoothed).toBeNull();
  });
});
