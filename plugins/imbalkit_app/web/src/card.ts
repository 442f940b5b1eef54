/** The card inside an exported file (imbalkit_lite/card.py): the parts that the page needs, checked. */

import type { Interpolation, Resize } from "./resize";

const FORMAT = 1; // of the cards that this page understands

export interface Input {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly layout: "NHWC" | "NCHW";
  readonly type: "float32" | "uint8";
  readonly largest: 1 | 255; // of the range, which starts at 0
}

export type Abstain =
  | { readonly rule: "band"; readonly low: number; readonly high: number }
  | { readonly rule: "least_confidence"; readonly least: number }
  | { readonly rule: "expected_cost"; readonly most: number };

export interface Card {
  readonly name: string;
  readonly description: string;
  readonly classes: readonly string[];
  readonly positive: number | null; // place among the classes
  readonly threshold: number | null; // above 1: the positive class is never predicted
  readonly costs: readonly (readonly number[])[] | null; // [i][j]: of predicting class j for class i
  readonly abstain: Abstain | null;
  readonly input: Input;
  readonly resize: Resize;
  readonly interpolation: Interpolation;
  readonly exif: boolean;
  readonly intendedUse: string | null;
  readonly document: Readonly<Record<string, unknown>>; // everything, for the reader
}

/** A card that this page cannot use; the message is for a person. */
export class CardError extends Error {}

/** Reads the JSON text of a card. Throws CardError, which names the key, what was expected and what was found. */
export function readCard(text: string): Card {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new CardError("The model's card is not JSON: the file is damaged.");
  }
  if (!isRecord(document)) throw new CardError("The model's card holds no keys and values: the file is damaged.");
  const format = document["format"];
  if (format !== FORMAT) {
    const newer = typeof format === "number" && format > FORMAT ? " A newer imbalkit wrote it: make the page with that one." : "";
    throw new CardError(`The model's card has format ${show(format)}, this page reads format ${FORMAT}.${newer}`);
  }
  const classes = texts(document["classes"], "classes");
  if (classes.length < 2) throw expected("classes", "at least two names", document["classes"]);
  const positive = document["positive"] ?? null;
  const place = positive === null ? null : classes.indexOf(text_(positive, "positive"));
  if (place === -1) throw expected("positive", "one of the classes", positive);
  const threshold = optional(document["threshold"], (value) => number(value, "threshold"));
  const abstain = optional(document["abstain"], readAbstain);
  if (place === null && (threshold !== null || abstain?.rule === "band")) {
    throw expected("positive", "a class, as there is a threshold or a band of its probability", null);
  }
  const costs = optional(document["costs"], (value) => readCosts(value, classes.length));
  if (costs === null && abstain?.rule === "expected_cost") throw expected("costs", "costs, as abstention is by them", null);
  const more = document["card"];
  const resize = document["resize"]; // "squash" in files of earlier versions
  const use = isRecord(more) ? more["intended_use"] : null;
  return {
    name: text_(document["name"], "name"),
    description: text_(document["description"] ?? "", "description"),
    classes,
    positive: place,
    threshold,
    costs,
    abstain,
    input: readInput(document["input"]),
    resize: choice(resize === "squash" ? "stretch" : resize, ["stretch", "crop", "pad"], "resize"),
    interpolation: choice(document["interpolation"], ["nearest", "bilinear", "bicubic", "lanczos"], "interpolation"),
    exif: document["exif"] !== false,
    intendedUse: typeof use === "string" ? use : null,
    document,
  };
}

/** Whether the threshold is one that no probability reaches. */
export function neverPositive(card: Card): boolean {
  return card.threshold !== null && card.threshold > 1;
}

function readInput(value: unknown): Input {
  if (!isRecord(value)) throw expected("input", "keys and values", value);
  const type = choice(value["type"], ["float32", "uint8"], "input.type");
  const [least, largest] = Array.isArray(value["range"]) ? (value["range"] as unknown[]) : [];
  if (least !== 0 || (largest !== 1 && largest !== 255) || (type === "uint8" && largest !== 255)) {
    throw expected("input.range", type === "uint8" ? "[0, 255]" : "[0, 1] or [0, 255]", value["range"]);
  }
  const channels = count(value["channels"], "input.channels");
  if (channels !== 1 && channels !== 3) throw expected("input.channels", "3 (colour) or 1 (grey)", channels);
  return {
    height: count(value["height"], "input.height"),
    width: count(value["width"], "input.width"),
    channels,
    layout: choice(value["layout"], ["NHWC", "NCHW"], "input.layout"),
    type,
    largest,
  };
}

function readAbstain(value: unknown): Abstain {
  if (!isRecord(value)) throw expected("abstain", "keys and values", value);
  const stated = Object.entries(value).filter(([, each]) => each !== null);
  const [name, limit] = stated[0] ?? [];
  if (stated.length === 1 && name === "band" && Array.isArray(limit) && limit.length === 2) {
    return { rule: "band", low: number(limit[0], "abstain.band[0]"), high: number(limit[1], "abstain.band[1]") };
  }
  if (stated.length === 1 && name === "least_confidence") return { rule: name, least: number(limit, "abstain.least_confidence") };
  if (stated.length === 1 && name === "expected_cost") return { rule: name, most: number(limit, "abstain.expected_cost") };
  throw expected("abstain", "either band, least_confidence or expected_cost", value);
}

function readCosts(value: unknown, size: number): number[][] {
  const rows = Array.isArray(value) ? (value as unknown[]) : [];
  const costs = rows.map((row, i) => (Array.isArray(row) ? row : []).map((cost, j) => number(cost, `costs[${i}][${j}]`)));
  if (costs.length !== size || costs.some((row) => row.length !== size)) {
    throw expected("costs", `a row and a column for each of the ${size} classes`, value);
  }
  return costs;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}

function text_(value: unknown, where: string): string {
  if (typeof value !== "string") throw expected(where, "text", value);
  return value;
}

function texts(value: unknown, where: string): string[] {
  if (!Array.isArray(value)) throw expected(where, "a list of names", value);
  return value.map((each, index) => text_(each, `${where}[${index}]`));
}

function number(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw expected(where, "a number", value);
  return value;
}

function count(value: unknown, where: string): number {
  const found = number(value, where);
  if (!Number.isInteger(found) || found < 1) throw expected(where, "a whole number of at least 1", value);
  return found;
}

function choice<T extends string>(value: unknown, known: readonly T[], where: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw expected(where, `one of ${known.join(", ")}`, value);
  return found;
}

function expected(where: string, what: string, found: unknown): CardError {
  return new CardError(`The model's card cannot be used: ${where}: expected ${what}, got ${show(found)}.`);
}

function show(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
