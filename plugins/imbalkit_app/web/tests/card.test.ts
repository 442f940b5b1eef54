import { describe, expect, test } from "vitest";
import { CardError, neverPositive, readCard } from "../src/card";
import { caution, explain, percent, threshold } from "../src/words";

const CARD = {
  format: 1,
  name: "Moles",
  description: "",
  classes: ["other", "melanoma"],
  positive: "melanoma",
  threshold: 0.31,
  costs: null,
  abstain: null,
  input: { height: 224, width: 192, channels: 3, layout: "NHWC", type: "float32", range: [0, 1] },
  resize: "stretch",
  interpolation: "bilinear",
  exif: true,
  normalisation: null,
  probabilities: { prior: "as in training", calibrator: null },
  quantization: "none",
  card: { intended_use: "to try the app" },
  run: { created: null },
};

function card(change: Record<string, unknown> = {}) {
  return readCard(JSON.stringify({ ...CARD, ...change }));
}

test("a card is read", () => {
  expect(card()).toMatchObject({
    classes: ["other", "melanoma"],
    positive: 1,
    threshold: 0.31,
    input: { height: 224, width: 192, largest: 1 },
    intendedUse: "to try the app",
  });
});

test("a card of an earlier version calls stretch squash", () => {
  expect(card({ resize: "squash" }).resize).toBe("stretch");
});

test.each([
  ["a newer format", { format: 2 }, /format 2, this page reads format 1.*newer imbalkit/],
  ["no format", { format: undefined }, /format nothing/],
  ["one class", { classes: ["a"] }, /classes: expected at least two names/],
  ["a positive class that is none", { positive: "x" }, /positive: expected one of the classes/],
  ["a threshold without a positive class", { positive: null }, /positive: expected a class/],
  ["an unknown resize", { resize: "squish" }, /resize: expected one of stretch, crop, pad, got "squish"/],
  ["two channels", { input: { ...CARD.input, channels: 2 } }, /input.channels: expected 3 \(colour\) or 1 \(grey\), got 2/],
  ["a range of bytes as 0..1", { input: { ...CARD.input, type: "uint8" } }, /input.range: expected \[0, 255\]/],
  ["a size that is none", { input: { ...CARD.input, width: 0.5 } }, /input.width: expected a whole number/],
  ["costs of another size", { costs: [[0, 1]], threshold: null }, /costs: expected a row and a column/],
  ["two rules of abstention", { abstain: { band: [0.1, 0.2], least_confidence: 0.5 } }, /abstain: expected either/],
  ["abstention by costs that are not there", { abstain: { expected_cost: 1 } }, /costs: expected costs/],
])("%s is refused", (_, change, why) => {
  expect(() => card(change)).toThrow(CardError);
  expect(() => card(change)).toThrow(why);
});

test("what is no JSON is refused", () => {
  expect(() => readCard("{")).toThrow("not JSON");
  expect(() => readCard("[]")).toThrow("no keys");
});

/** With spaces that may break. */
function plain(text: string): string {
  return text.replaceAll("\u00a0", " ");
}

describe("words", () => {
  test.each([
    [0, "0 %"],
    [0.004, "< 1 %"],
    [0.316, "32 %"],
    [0.996, "> 99 %"],
    [1, "100 %"],
  ])("%d is shown as %s", (p, text) => expect(plain(percent(p))).toBe(text));

  test("a threshold keeps its digits", () => expect(plain(threshold(0.01234))).toBe("1.23 %"));

  test("decisions are explained by what made them", () => {
    expect(plain(explain(card(), [0.6, 0.4], 1, false))).toBe("melanoma is predicted from 31 % on; here it has 40 %.");
    expect(plain(explain(card(), [0.8, 0.2], 0, false))).toMatch("would be predicted from 31 %");
    expect(plain(explain(card({ threshold: null, costs: [[0, 1], [2, 0]] }), [0.8, 0.2], 0, false))).toMatch("least cost");
    expect(plain(explain(card({ threshold: null }), [0.8, 0.2], 0, false))).toMatch("The most probable class, with 80 %");
    expect(plain(explain(card({ abstain: { band: [0.2, 0.5] } }), [0.6, 0.4], 1, true))).toMatch("from 20 % to 50 %");
    expect(plain(explain(card({ abstain: { least_confidence: 0.7 } }), [0.6, 0.4], 1, true))).toMatch("no class has 70 %");
  });

  test("a threshold that no probability reaches is no percentage", () => {
    const cautious = card({ threshold: 1 + 2 ** -23 });
    expect(neverPositive(cautious)).toBe(true);
    expect(plain(explain(cautious, [0, 1], 0, false))).toBe("This model never predicts melanoma; here it has 100 %.");
    expect(neverPositive(card({ threshold: 1 }))).toBe(false);
    expect(plain(explain(card({ threshold: 1 }), [0, 1], 1, false))).toMatch("is predicted from 100 % on");
    expect(neverPositive(card({ threshold: null }))).toBe(false);
  });

  test("what it is not for: a doctor's word where it is about bodies, and the intended use", () => {
    expect(caution(card())).toMatch(/not a medical device.*show a doctor.*Made for: to try the app\.$/);
    const ants = card({ name: "Ants", classes: ["ant", "bee"], positive: null, threshold: null, card: {} });
    expect(caution(ants)).not.toMatch("doctor");
    expect(caution(ants)).toMatch("Do not rely on them");
  });
});
