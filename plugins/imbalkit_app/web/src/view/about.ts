/** The dialog with all metadata of the model. */

import { isRecord, neverPositive, type Card } from "../card";
import type { Facts } from "../facts";
import { caution, never } from "../words";
import { element, make } from "./dom";

const HIDDEN = new Set(["format", "name", "description", "card"]); // shown elsewhere

export function setUpAbout(card: Card, facts: Facts, running: () => string): void {
  const dialog = element("about", HTMLDialogElement);
  const body = element("about-body", HTMLElement);
  const open = element("card", HTMLButtonElement);
  open.disabled = false;
  open.addEventListener("click", () => {
    body.replaceChildren(...content(card, facts, running()));
    dialog.showModal();
  });
  element("about-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
}

function content(card: Card, facts: Facts, running: string): Node[] {
  const own = card.document["card"];
  const document = neverPositive(card) ? { ...card.document, threshold: never(card.classes[card.positive!]!) } : card.document;
  const rest = Object.entries(document).filter(([key]) => !HIDDEN.has(key));
  return [
    make("p", { class: "lead" }, card.description || card.name),
    make("p", { class: "caution" }, caution(card)),
    ...section("From its makers", isRecord(own) ? Object.entries(own) : []),
    ...section("The model", rest),
    ...section("The file", [...Object.entries(facts), ["runs on", running]]),
  ];
}

function section(title: string, entries: readonly (readonly [string, unknown])[]): Node[] {
  const stated = flat(entries).filter(([, value]) => value !== null && value !== "");
  if (stated.length === 0) return [];
  return [make("h3", {}, title), list(stated)];
}

function list(entries: readonly (readonly [string, unknown])[]): HTMLElement {
  const items = entries.flatMap(([key, value]) => [make("dt", {}, key.replaceAll("_", " ")), make("dd", {}, shown(value))]);
  return make("dl", {}, ...items);
}

/** `input: {height: 3}` as `input height: 3`. */
function flat(entries: readonly (readonly [string, unknown])[]): (readonly [string, unknown])[] {
  return entries.flatMap(([key, value]) =>
    isRecord(value) ? flat(Object.entries(value).map(([below, each]) => [`${key} ${below}`, each])) : [[key, value] as const],
  );
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => (Array.isArray(each) ? `[${shown(each)}]` : String(each))).join(", ");
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
