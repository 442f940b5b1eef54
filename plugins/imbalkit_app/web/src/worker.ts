/** The worker: pixels, resize, quality and the model, away from the page's thread. */

import { messageOf } from "./errors";
import { filePixels, framePixels, lastDrawn } from "./frame";
import type { Answer, Opened, Reply, Request, Setup } from "./messages";
import { loadModel } from "./model_file";
import { measure, smallGrey } from "./quality";
import { grey, resize, type Picture } from "./resize";
import { openModel, startRuntime, type Model } from "./runtime";

let model: Model | null = null;
let setup: Setup | null = null;
let before: Picture | null = null; // the last frame's small grey

self.addEventListener("message", (event: MessageEvent<Request>) => {
  const { id } = event.data;
  handle(event.data).then(
    (reply) => self.postMessage(reply, "still" in reply ? [reply.still] : []),
    (error: unknown) => self.postMessage({ id, error: messageOf(error) } satisfies Reply),
  );
});

async function handle(request: Request): Promise<Reply> {
  const { id } = request;
  const start = performance.now();
  switch (request.kind) {
    case "open":
      return { id, opened: await open(request.setup, (progress) => self.postMessage({ id, progress } satisfies Reply)) };
    case "frame": {
      let pixels: Picture;
      try {
        pixels = framePixels(request.frame, request.area);
      } finally {
        request.frame.close();
      }
      const small = smallGrey(pixels);
      const last = before;
      before = small;
      return { id, answer: await read(pixels, small, last, start) };
    }
    case "still":
      return { id, still: lastDrawn() };
    case "file": {
      const pixels = await filePixels(request.file, setup?.exif ?? true).catch(() => {
        throw new Error("This file is no picture that the browser can read.");
      });
      return { id, answer: await read(pixels, smallGrey(pixels), null, start) };
    }
  }
}

async function open(requested: Setup, progress: (share: number) => void): Promise<Opened> {
  setup = requested;
  const [bytes] = await Promise.all([
    loadModel(requested.modelUrl, requested.facts, progress),
    startRuntime(requested.runtimeUrl, requested.mayThread), // meanwhile
  ]);
  const found = await openModel(bytes, requested.input, requested.classes);
  model = found.model;
  return found.opened;
}

async function read(pixels: Picture, small: Picture, last: Picture | null, start: number): Promise<Answer> {
  if (model === null || setup === null) throw new Error("The model is not loaded.");
  const fitted = resize(pixels, setup.rule);
  const input = setup.input.channels === 1 ? grey(fitted) : fitted;
  const quality = measure(small, last);
  const middle = performance.now();
  const probabilities = await model.answer(input);
  return { probabilities, quality, milliseconds: { pixels: middle - start, model: performance.now() - middle } };
}
