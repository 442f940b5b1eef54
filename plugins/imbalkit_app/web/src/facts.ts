/** The facts and the card of the model, beside the page in `model/`. */

import { isRecord, readCard, type Card } from "./card";
import { fetched, LoadError } from "./fetching";

export interface Facts {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly imbalkit: string;
}

/** Throws LoadError, CardError. */
export async function loadFacts(): Promise<{ facts: Facts; card: Card }> {
  const [facts, card] = await Promise.all(["model/facts.json", "model/card.json"].map((url) => fetched(url)));
  const decoder = new TextDecoder();
  return { facts: readFacts(decoder.decode(facts)), card: readCard(decoder.decode(card)) };
}

export function readFacts(text: string): Facts {
  let found: unknown = null;
  try {
    found = JSON.parse(text);
  } catch {
    // the error is thrown below
  }
  if (isRecord(found)) {
    const { file, bytes, sha256, imbalkit } = found;
    if (typeof file === "string" && typeof bytes === "number" && typeof sha256 === "string" && typeof imbalkit === "string") {
      return { file, bytes, sha256, imbalkit };
    }
  }
  throw new LoadError("model/facts.json is damaged: make the page again with imbalkit app.");
}
