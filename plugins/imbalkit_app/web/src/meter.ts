/** Frames per second and time per frame over the last frames. */

const FRAMES = 20;

export class Meter {
  private ends: number[] = [];
  private times: number[] = [];

  /** A frame was read at `now` after `milliseconds`. */
  add(now: number, milliseconds: number): void {
    this.ends = [...this.ends, now].slice(-FRAMES);
    this.times = [...this.times, milliseconds].slice(-FRAMES);
  }

  clear(): void {
    this.ends = [];
    this.times = [];
  }

  get framesPerSecond(): number {
    const [first, last] = [this.ends[0], this.ends.at(-1)];
    if (first === undefined || last === undefined || last === first) return 0;
    return ((this.ends.length - 1) * 1000) / (last - first);
  }

  get milliseconds(): number {
    return this.times.length === 0 ? 0 : this.times.reduce((sum, each) => sum + each, 0) / this.times.length;
  }
}
