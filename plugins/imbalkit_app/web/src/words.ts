/** The page's texts. */

import { neverPositive, type Card } from "./card";
import type { Reason } from "./quality";

export const REASONS: Record<Reason, string> = {
  blurred: "Blurred: refocus",
  dark: "Too dark: add light",
  bright: "Too bright: dim the light",
  moving: "Moving: hold still",
};

const SPACE = "\u00a0"; // keeps a number and its sign on one line

/** Per cent without decimals, but never 0 or 100 for what is neither. */
export function percent(p: number): string {
  const whole = Math.round(p * 100);
  if (whole === 0 && p > 0) return `<${SPACE}1${SPACE}%`;
  if (whole === 100 && p < 1) return `>${SPACE}99${SPACE}%`;
  return `${whole}${SPACE}%`;
}

/** The reason for a decision. */
export function explain(card: Card, probabilities: ArrayLike<number>, predicted: number, abstained: boolean): string {
  const name = card.positive === null ? "" : card.classes[card.positive]!;
  if (abstained) {
    switch (card.abstain!.rule) {
      case "band":
        return `The model abstains where ${name} is from ${percent(card.abstain!.low)} to ${percent(card.abstain!.high)}.`;
      case "least_confidence":
        return `The model abstains where no class has ${percent(card.abstain!.least)}.`;
      case "expected_cost":
        return "The model abstains: any decision would cost too much on average.";
    }
  }
  if (card.costs !== null) return "The decision of least cost on average, by the model's costs.";
  if (card.threshold !== null) {
    const here = percent(probabilities[card.positive!]!);
    if (neverPositive(card)) return `${never(name)}; here it has ${here}.`;
    return predicted === card.positive
      ? `${name} is predicted from ${threshold(card.threshold)} on; here it has ${here}.`
      : `${name} would be predicted from ${threshold(card.threshold)} on; here it has ${here}.`;
  }
  return `The most probable class, with ${percent(probabilities[predicted]!)}.`;
}

/** In place of a threshold that no probability reaches. */
export function never(name: string): string {
  return `This model never predicts ${name}`;
}

/** A threshold in per cent, with the digits that it has. */
export function threshold(value: number): string {
  return `${Number((value * 100).toPrecision(3))}${SPACE}%`;
}

/** The legend of the bars: the mean of `count` predictions, of as many shots or of the frames of one. */
export function legend(count: number, shots: number, hasThreshold: boolean): string {
  const mean = count < 2 ? "" : `Mean of ${shots > 1 ? `${shots} shots` : `the last ${count} frames`} ± standard deviation.`;
  return [mean, hasThreshold ? "The upright line is the threshold." : ""].filter(Boolean).join(" ");
}

/**
 * What was measured where the model is slow, and what to do.
 *
 * @param model its milliseconds a frame
 * @param rate frames a second
 * @param frames in the mean that is shown
 */
export function slowness(model: number, rate: number, frames: number): string {
  const [time, still] = [`${Math.round(model)}${SPACE}ms`, `${Math.ceil(frames / rate)}${SPACE}s`];
  return `Slow on this device: ${time} a frame in the model. Hold still for ${still}, or use a smaller backbone, fewer pixels or int8.`;
}

const MEDICAL = /melanom|skin|lesion|derm|naev|nev[iu]|patient|diagnos|clinic|medic|cancer|carcinom|tumou?r|disease/i;

/** The limits of use. */
export function caution(card: Card): string {
  const own = card.document["card"];
  const about = [card.name, card.description, ...card.classes, JSON.stringify(own ?? "")].join(" ");
  const plain = "Research software, not a medical device. Its predictions can be wrong.";
  const doctor = " It does not replace an examination: show a doctor whatever worries you, even if the app shows no sign of disease.";
  const use = card.intendedUse === null ? "" : ` Made for: ${sentence(card.intendedUse)}`;
  return plain + (MEDICAL.test(about) ? doctor : " Do not rely on them where it matters.") + use;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
