/** From probabilities to a decision, by the card (imbalkit_lite/decisions.py in TypeScript). */

import type { Card } from "./card";

type Rule = Pick<Card, "positive" | "threshold" | "costs" | "abstain">;

/** Index of the predicted class; of equals the first. */
export function decide(probabilities: ArrayLike<number>, rule: Rule): number {
  if (rule.costs !== null) return firstBest(expectedCosts(probabilities, rule.costs), (a, b) => a < b);
  if (rule.threshold === null || rule.positive === null) return firstBest(probabilities, (a, b) => a > b);
  if (probabilities[rule.positive]! >= rule.threshold) return rule.positive;
  const others = Array.from(probabilities);
  others[rule.positive] = -Infinity;
  return firstBest(others, (a, b) => a > b);
}

/** Whether the model abstains. */
export function abstains(probabilities: ArrayLike<number>, rule: Rule): boolean {
  const { abstain } = rule;
  if (abstain === null) return false;
  switch (abstain.rule) {
    case "band": {
      const positive = probabilities[rule.positive!]!;
      return abstain.low <= positive && positive < abstain.high;
    }
    case "least_confidence":
      return Math.max(...Array.from(probabilities)) < abstain.least;
    case "expected_cost":
      return Math.min(...expectedCosts(probabilities, rule.costs!)) > abstain.most;
  }
}

/** Of predicting each class. */
export function expectedCosts(probabilities: ArrayLike<number>, costs: readonly (readonly number[])[]): number[] {
  return costs.map((_, predicted) => costs.reduce((sum, row, truth) => sum + probabilities[truth]! * row[predicted]!, 0));
}

function firstBest(values: ArrayLike<number>, better: (a: number, b: number) => boolean): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (better(values[i]!, values[best]!)) best = i;
  return best;
}
