/** The install button: there while the browser offers to install the page. */

import { element } from "./dom";

/** Chromium's event (not in the standard's types). Browsers that have none install by their menus. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>; // once
}

export function offerInstalling(): void {
  const button = element("install", HTMLButtonElement);
  let offer: InstallOffer | null = null;
  const keep = (event: InstallOffer | null): void => {
    offer = event;
    button.hidden = event === null;
  };
  window.addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault(); // the browser's own banner
    keep(event as InstallOffer);
  });
  window.addEventListener("appinstalled", () => keep(null));
  button.addEventListener("click", () => {
    const offered = offer;
    keep(null); // who declines is offered it again, by a new event
    offered?.prompt().catch((error: unknown) => console.warn(`The page was not installed: ${String(error)}`));
  });
}
