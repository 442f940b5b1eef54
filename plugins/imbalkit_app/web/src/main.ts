import "./style.css";
import { android } from "./android";
import { App } from "./app";
import { Reader } from "./client";
import { messageOf } from "./errors";
import { loadFacts } from "./facts";
import { offerInstalling } from "./view/install";
import { showError, showProgress, showStatus } from "./view/status";

/** Loads the model, then hands over to the app; errors are shown on the page. */
async function main(): Promise<void> {
  try {
    offerInstalling();
    showProgress(0);
    const { facts, card } = await loadFacts();
    const reader = new Reader();
    const { input, resize, interpolation, exif, classes } = card;
    const setup = {
      runtimeUrl: new URL("litert/", document.baseURI).href,
      modelUrl: new URL("model/model.tflite", document.baseURI).href,
      facts,
      input,
      rule: { width: input.width, height: input.height, resize, interpolation },
      exif,
      classes: classes.length,
      mayThread: android === null, // a WebView has no shared memory, and the app no LiteRT for it
    };
    const opened = await reader.open(setup, showProgress);
    showProgress(null);
    new App(card, facts, reader, opened).ready();
  } catch (error) {
    showStatus("Not working");
    showError(messageOf(error));
  }
  await keepOffline();
}

/** After the model, so that its files come from the browser's cache. */
async function keepOffline(): Promise<void> {
  if (android !== null || !("serviceWorker" in navigator) || import.meta.env.DEV) return; // the app holds every file
  try {
    await navigator.serviceWorker.register("./sw.js", { updateViaCache: "none" }); // files.js, too
  } catch (error) {
    console.warn(`The page will not work offline: ${String(error)}`);
  }
}

void main();
