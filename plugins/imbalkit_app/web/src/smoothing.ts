/** The mean of the last frames' predictions, and their spread. */

export const FRAMES = 10; // in the window: about a second

const LEAST = 1e-7; // a probability below it counts as this: so that one frame does not outweigh a window

/** Logits up to a constant: logarithms of probabilities. */
export function logits(probabilities: ArrayLike<number>): Float64Array {
  return Float64Array.from(probabilities, (p) => Math.log(Math.max(p, LEAST)));
}

export function softmax(values: ArrayLike<number>): Float64Array {
  const largest = Math.max(...Array.from(values));
  const powers = Float64Array.from(values, (value) => Math.exp(value - largest));
  const total = powers.reduce((sum, each) => sum + each, 0);
  return powers.map((each) => each / total);
}

export interface Smoothed {
  readonly probabilities: Float64Array;
  readonly spread: Float64Array; // standard deviation of each class's probability over the predictions
  readonly count: number; // of predictions
}

/** Softmax of the mean of the predictions' logits; a single prediction as it is. Null without one. */
export function average(predictions: readonly ArrayLike<number>[]): Smoothed | null {
  const [first] = predictions;
  if (first === undefined) return null;
  const classes = first.length;
  const spread = Float64Array.from({ length: classes }, (_, c) => deviation(predictions.map((each) => each[c]!)));
  if (predictions.length === 1) return { probabilities: Float64Array.from(first), spread, count: 1 };
  const mean = new Float64Array(classes);
  for (const prediction of predictions) logits(prediction).forEach((value, c) => (mean[c]! += value / predictions.length));
  return { probabilities: softmax(mean), spread, count: predictions.length };
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  return Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length);
}

/** The last `size` predictions. */
export class Window {
  private predictions: ArrayLike<number>[] = [];

  constructor(private readonly size: number) {}

  add(prediction: ArrayLike<number>): void {
    this.predictions = [...this.predictions, prediction].slice(-this.size);
  }

  clear(): void {
    this.predictions = [];
  }

  get smoothed(): Smoothed | null {
    return average(this.predictions);
  }
}
