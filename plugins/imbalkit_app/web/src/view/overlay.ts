/** The guide over the camera's picture: a ring for what is looked at, the box that the model sees, shade around it. */

import type { Area } from "../messages";
import type { Size } from "../guide";
import { element } from "./dom";

export class Overlay {
  private readonly svg = element("guide", SVGSVGElement);
  private readonly shade = element("shade", SVGPathElement);
  private readonly square = element("square", SVGRectElement);
  private readonly ring = element("ring", SVGEllipseElement);
  private drawn = "";

  show(stage: Size, { left, top, width, height }: Area): void {
    this.svg.removeAttribute("hidden");
    const key = [stage.width, stage.height, left, top, width, height].join();
    if (key === this.drawn) return;
    this.drawn = key;
    this.svg.setAttribute("viewBox", `0 0 ${stage.width} ${stage.height}`);
    const box = `M${left} ${top}h${width}v${height}h${-width}z`;
    this.shade.setAttribute("d", `M0 0H${stage.width}V${stage.height}H0z${box}`);
    set(this.square, { x: left, y: top, width, height, rx: 10 });
    set(this.ring, { cx: left + width / 2, cy: top + height / 2, rx: width * 0.36, ry: height * 0.36 });
  }

  hide(): void {
    this.svg.setAttribute("hidden", "");
  }
}

function set(target: Element, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) target.setAttribute(name, String(value));
}
