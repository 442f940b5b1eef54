/** A result as it is shown and saved, with the names of `imbalkit predict`'s columns where they exist. */

import type { Card } from "./card";
import { abstains, decide } from "./decision";
import type { Facts } from "./facts";
import { reasons, type Quality, type Reason } from "./quality";
import { average, type Smoothed } from "./smoothing";

/** One picture or frozen reading. */
export interface Shot {
  readonly source: string; // the file's name, or "camera"
  readonly smoothed: Smoothed; // over the frames before it was frozen; a file has one
  readonly quality: Quality;
}

/** The mean of shots; a single one as it is. At least one is needed. */
export function combine(shots: readonly Shot[]): Smoothed {
  return shots.length === 1 ? shots[0]!.smoothed : average(shots.map((shot) => shot.smoothed.probabilities))!;
}

export interface Decision {
  readonly smoothed: Smoothed;
  readonly predicted: number;
  readonly abstained: boolean;
}

export function decision(smoothed: Smoothed, card: Card): Decision {
  const { probabilities } = smoothed;
  return { smoothed, predicted: decide(probabilities, card), abstained: abstains(probabilities, card) };
}

export interface Result {
  readonly file: string;
  readonly files: readonly string[];
  readonly model: Facts & { readonly name: string };
  readonly classes: readonly string[];
  readonly positive: string | null;
  readonly probabilities: readonly number[];
  readonly spread: readonly number[];
  readonly decision: string;
  readonly abstained: boolean;
  readonly threshold: number | null;
  readonly quality: Quality & { readonly retake: readonly Reason[] };
  readonly shots: number;
  readonly accelerator: string;
  readonly time: string; // ISO 8601
}

/** The result of shots: their mean, and the quality of the last. At least one is needed. */
export function result(shots: readonly Shot[], card: Card, facts: Facts, accelerator: string, time: Date): Result {
  const last = shots.at(-1)!;
  const { smoothed, predicted, abstained } = decision(combine(shots), card);
  return {
    file: last.source,
    files: shots.map((shot) => shot.source),
    model: { name: card.name, ...facts },
    classes: card.classes,
    positive: card.positive === null ? null : card.classes[card.positive]!,
    probabilities: Array.from(smoothed.probabilities),
    spread: Array.from(smoothed.spread),
    decision: card.classes[predicted]!,
    abstained,
    threshold: card.threshold,
    quality: { ...last.quality, retake: reasons(last.quality) },
    shots: shots.length,
    accelerator,
    time: time.toISOString(),
  };
}
