/** Frames per second and time per frame over the last frames. */

const FRAMES = 20;

/** Milliseconds of the model a frame from which a smaller one is advised: fewer than five frames a second, of ten wanted. */
export const SLOW = 200;

interface Read {
  readonly end: number;
  readonly milliseconds: number; // from the grabbed frame to the answer
  readonly model: number; // of it, in the model
}

export class Meter {
  private reads: Read[] = [];
  private count = 0;

  /** A frame was read at `end`. */
  add(end: number, milliseconds: number, model: number): void {
    this.reads = [...this.reads, { end, milliseconds, model }].slice(-FRAMES);
    this.count++;
  }

  clear(): void {
    this.reads = [];
    this.count = 0;
  }

  /** Whether it is time to judge anew what shall not change with every frame. */
  get due(): boolean {
    return this.count > 0 && this.count % (FRAMES / 2) === 0;
  }

  get framesPerSecond(): number {
    const [first, last] = [this.reads[0], this.reads.at(-1)];
    if (first === undefined || last === undefined || last.end === first.end) return 0;
    return ((this.reads.length - 1) * 1000) / (last.end - first.end);
  }

  get milliseconds(): number {
    return mean(this.reads.map((each) => each.milliseconds));
  }

  get modelMilliseconds(): number {
    return mean(this.reads.map((each) => each.model));
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;
}
