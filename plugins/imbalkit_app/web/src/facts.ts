/** The model's files: fetched, and compared with what was written of them. */

import { isRecord, readCard, type Card } from "./card";

export interface Facts {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly imbalkit: string;
}

export interface Loaded {
  readonly facts: Facts;
  readonly card: Card;
  readonly model: Uint8Array<ArrayBuffer>;
}

/** A model that is missing or damaged; the message is for a person. */
export class LoadError extends Error {}

/** Loads the folder `model/` beside the page. Throws LoadError, CardError. */
export async function load(progress: (share: number) => void): Promise<Loaded> {
  const facts = readFacts(new TextDecoder().decode(await fetched("model/facts.json")));
  const card = readCard(new TextDecoder().decode(await fetched("model/card.json")));
  const model = await fetched("model/model.tflite", (bytes) => progress(Math.min(1, bytes / facts.bytes)));
  await verify(model, facts);
  return { facts, card, model };
}

export function readFacts(text: string): Facts {
  let found: unknown = null;
  try {
    found = JSON.parse(text);
  } catch {
    // said below
  }
  if (isRecord(found)) {
    const { file, bytes, sha256, imbalkit } = found;
    if (typeof file === "string" && typeof bytes === "number" && typeof sha256 === "string" && typeof imbalkit === "string") {
      return { file, bytes, sha256, imbalkit };
    }
  }
  throw new LoadError("model/facts.json is damaged: make the page again with imbalkit app.");
}

/** Throws LoadError where the model is not the one that was written. */
export async function verify(model: Uint8Array<ArrayBuffer>, facts: Facts): Promise<void> {
  const again = "Make the page again with imbalkit app, or load it again.";
  if (model.length !== facts.bytes) {
    throw new LoadError(
      `The model file is damaged: expected ${facts.bytes.toLocaleString("en")} bytes, got ${model.length.toLocaleString("en")}. ${again}`,
    );
  }
  // There is none on plain http: the page works there with pictures, its camera does not.
  if (globalThis.crypto?.subtle === undefined) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", model));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== facts.sha256) {
    throw new LoadError(`The model file is damaged: its SHA-256 begins ${found.slice(0, 12)}, expected ${facts.sha256.slice(0, 12)}. ${again}`);
  }
}

async function fetched(url: string, progress?: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw new LoadError(`${url} cannot be loaded: is the server running?`);
  }
  if (!response.ok) throw new LoadError(`${url} cannot be loaded: the server answers ${response.status}.`);
  if (response.body === null || progress === undefined) return new Uint8Array(await response.arrayBuffer());
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    length += step.value.length;
    progress(length);
  }
  const bytes = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    bytes.set(part, place);
    place += part.length;
  }
  return bytes;
}
