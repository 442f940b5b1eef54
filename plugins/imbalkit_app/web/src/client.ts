/** The page's side of the worker: a promise for each question. */

import type { Answer, Area, Opened, Reply, Request, Setup } from "./messages";

type Question = Request extends infer R ? (R extends Request ? Omit<R, "id"> : never) : never;

interface Waiting {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class Reader {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url));
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;
  private progress: (share: number) => void = () => undefined;

  constructor() {
    this.worker.addEventListener("message", (event: MessageEvent<Reply>) => this.settle(event.data));
    this.worker.addEventListener("error", (event) => this.fail(event.message || "its script cannot be loaded"));
  }

  /** Loads the model; `progress` gets the share of its file that is here. */
  async open(setup: Setup, progress: (share: number) => void): Promise<Opened> {
    this.progress = progress;
    try {
      const reply = await this.ask({ kind: "open", setup }, []);
      return (reply as { opened: Opened }).opened;
    } finally {
      this.progress = () => undefined; // the file may go on coming after an error
    }
  }

  /** Reads an area of a frame, which is handed over. */
  async frame(frame: VideoFrame | ImageBitmap, area: Area): Promise<Answer> {
    const reply = await this.ask({ kind: "frame", frame, area }, [frame]);
    return (reply as { answer: Answer }).answer;
  }

  async file(file: Blob): Promise<Answer> {
    const reply = await this.ask({ kind: "file", file }, []);
    return (reply as { answer: Answer }).answer;
  }

  /** The area of the frame that was read last. */
  async still(): Promise<ImageBitmap> {
    const reply = await this.ask({ kind: "still" }, []);
    return (reply as { still: ImageBitmap }).still;
  }

  private ask(question: Question, transfer: Transferable[]): Promise<Reply> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...question, id }, transfer);
    });
  }

  private settle(reply: Reply): void {
    if ("progress" in reply) return this.progress(reply.progress);
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply);
  }

  private fail(why: string): void {
    const error = new Error(`The reading stopped working (${why}). Load the page again.`);
    this.waiting.forEach((each) => each.reject(error));
    this.waiting.clear();
  }
}
