/** What the camera can do: which one, light, zoom; shown where the device has it. */

import type { Camera } from "../camera";
import { element, make } from "./dom";

export class Tools {
  private readonly box = element("tools", HTMLElement);
  private readonly cameras = element("cameras", HTMLSelectElement);
  private readonly torch = element("torch", HTMLButtonElement);
  private readonly zoom = element("zoom", HTMLInputElement);
  private readonly zoomLabel = element("zoom-label", HTMLElement);

  constructor(
    private readonly camera: Camera,
    choose: (id: string) => void,
  ) {
    this.cameras.addEventListener("change", () => choose(this.cameras.value));
    this.zoom.addEventListener("input", () => {
      camera.zoomTo(Number(this.zoom.value)).catch(refused);
    });
    this.torch.addEventListener("click", () => {
      const on = this.torch.getAttribute("aria-pressed") !== "true";
      camera.torch(on).then(() => this.torch.setAttribute("aria-pressed", String(on)), refused);
    });
  }

  show(live: boolean): void {
    this.box.hidden = !live;
  }

  /** After the camera was started: what is there now. */
  async refresh(): Promise<void> {
    const choices = await this.camera.choices();
    this.cameras.hidden = choices.length < 2;
    this.cameras.replaceChildren(...choices.map(({ id, label }) => make("option", { value: id }, label)));
    this.cameras.value = choices.find((each) => each.chosen)?.id ?? "";
    this.torch.hidden = !this.camera.hasTorch;
    this.torch.setAttribute("aria-pressed", "false");
    const { zoom } = this.camera;
    this.zoomLabel.hidden = zoom === null;
    if (zoom !== null) {
      Object.assign(this.zoom, { min: String(zoom.min), max: String(zoom.max), step: String(zoom.step) });
      this.zoom.value = String(zoom.value);
    }
  }
}

/** Nothing is lost: the camera goes on as it was. */
function refused(error: unknown): void {
  console.warn(`The camera does not do that: ${String(error)}`);
}
