/** The model's file: fetched, and compared with what was written of it. */

import type { Facts } from "./facts";
import { fetched, LoadError } from "./fetching";

/** The model's bytes; `progress` gets the share that is here. Throws LoadError. */
export async function loadModel(url: string, facts: Facts, progress: (share: number) => void): Promise<Uint8Array> {
  const model = await fetched(url, (bytes) => progress(Math.min(1, bytes / facts.bytes)));
  await verify(model, facts);
  return model;
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
