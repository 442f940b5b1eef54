/** The status line, and the box for errors. */

import { element, icon, make, say } from "./dom";

const line = element("status", HTMLElement);
const progress = element("progress", HTMLProgressElement);
const error = element("error", HTMLElement);

export function status(): string {
  return line.textContent ?? "";
}

export function showStatus(text: string): void {
  say(line, text);
}

/** Share of the model that is loaded; null hides the bar. */
export function showProgress(share: number | null): void {
  progress.hidden = share === null;
  if (share !== null) {
    progress.value = share;
    showStatus(share < 1 ? "Loading the model" : "Starting the model");
  }
}

/** A button of the error box. */
export interface WayOut {
  readonly label: string;
  act(): void;
}

export function showError(text: string, wayOut: WayOut | null = null): void {
  showProgress(null);
  error.replaceChildren(icon("warn"), make("p", {}, text));
  if (wayOut !== null) {
    const button = make("button", { type: "button", class: "quiet" }, wayOut.label);
    button.addEventListener("click", () => wayOut.act());
    error.append(button);
  }
  error.hidden = false;
  document.body.classList.add("failed");
}

export function clearError(): void {
  error.hidden = true;
  document.body.classList.remove("failed");
}
