/** The mean of the last frames' answers, and how far they are apart. */

const LEAST = 1e-7; // a probability below it counts as this: one frame's certainty shall not outweigh a window

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
  readonly spread: Float64Array; // standard deviation of each class's probability over the answers
  readonly count: number; // of answers
}

/** Softmax of the mean of the answers' logits; a single answer is given as it is. Null without one. */
export function average(answers: readonly ArrayLike<number>[]): Smoothed | null {
  const [first] = answers;
  if (first === undefined) return null;
  const classes = first.length;
  const spread = Float64Array.from({ length: classes }, (_, c) => deviation(answers.map((each) => each[c]!)));
  if (answers.length === 1) return { probabilities: Float64Array.from(first), spread, count: 1 };
  const mean = new Float64Array(classes);
  for (const answer of answers) logits(answer).forEach((value, c) => (mean[c]! += value / answers.length));
  return { probabilities: softmax(mean), spread, count: answers.length };
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  return Math.sqrt(values.reduce((sum, each) => sum + (each - mean) ** 2, 0) / values.length);
}

/** The last `size` answers. */
export class Window {
  private answers: ArrayLike<number>[] = [];

  constructor(private readonly size: number) {}

  add(answer: ArrayLike<number>): void {
    this.answers = [...this.answers, answer].slice(-this.size);
  }

  clear(): void {
    this.answers = [];
  }

  get smoothed(): Smoothed | null {
    return average(this.answers);
  }
}
