/** The worker: pixels, resize, quality and the model, away from the page's thread. */

import { filePixels, framePixels } from "./frame";
import type { Answer, Reply, Request, Setup } from "./messages";
import { measure, smallGrey } from "./quality";
import { grey, resize, type Picture } from "./resize";
import { openModel, type Model } from "./runtime";

let model: Model | null = null;
let setup: Omit<Setup, "model"> | null = null;
let before: Picture | null = null; // the last frame's small grey

self.addEventListener("message", (event: MessageEvent<Request>) => {
  handle(event.data).then(
    (reply) => self.postMessage(reply),
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      self.postMessage({ id: event.data.id, error: text } satisfies Reply);
    },
  );
});

async function handle(request: Request): Promise<Reply> {
  const { id } = request;
  switch (request.kind) {
    case "open": {
      const { model: bytes, ...rest } = request.setup;
      setup = rest;
      const found = await openModel(rest.runtimeUrl, bytes, rest.input, rest.classes);
      model = found.model;
      return { id, opened: found.opened };
    }
    case "frame": {
      const start = performance.now();
      let pixels: Picture;
      try {
        pixels = framePixels(request.frame, request.area);
      } finally {
        request.frame.close();
      }
      const small = smallGrey(pixels);
      const answer = await read(pixels, small, before, start);
      before = small;
      return { id, answer };
    }
    case "file": {
      const start = performance.now();
      const pixels = await filePixels(request.file, setup?.exif ?? true).catch(() => {
        throw new Error("This file is no picture that the browser can read.");
      });
      return { id, answer: await read(pixels, smallGrey(pixels), null, start) };
    }
  }
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
