/** The probabilities as bars. */

import { neverPositive, type Card } from "../card";
import type { Decision } from "../result";
import { percent, threshold } from "../words";
import { icon, make, say } from "./dom";

const MANY = 3; // classes; rows of more are one line high

interface Row {
  readonly row: HTMLElement;
  readonly value: HTMLElement;
  readonly fill: HTMLElement;
  readonly whisker: HTMLElement;
}

export class Bars {
  private readonly rows: readonly Row[];

  constructor(list: HTMLElement, card: Card) {
    list.classList.toggle("dense", card.classes.length > MANY);
    this.rows = card.classes.map((name, index) => {
      const value = make("span", { class: "value" });
      const fill = make("span", { class: "fill" });
      const whisker = make("span", { class: "whisker" });
      const track = make("span", { class: "track", "aria-hidden": "true" }, fill, whisker);
      const row = make("li", { "data-testid": `probability-${index}` });
      const mark = make("span", { class: "mark" }, icon("check"));
      row.append(make("span", { class: "label" }, mark, make("span", { class: "class" }, name)), value, track);
      if (index === card.positive) row.classList.add("positive");
      if (index === card.positive && card.threshold !== null && !neverPositive(card)) {
        const tick = make("span", { class: "tick", title: `threshold: ${threshold(card.threshold)}` });
        tick.style.left = `${card.threshold * 100}%`;
        track.append(tick);
      }
      list.append(row);
      return { row, value, fill, whisker };
    });
  }

  show({ smoothed, predicted, abstained }: Decision): void {
    this.rows.forEach(({ row, value, fill, whisker }, index) => {
      const [p, spread] = [smoothed.probabilities[index]!, smoothed.spread[index]!];
      const [low, high] = [Math.max(0, p - spread), Math.min(1, p + spread)];
      row.dataset["value"] = String(p);
      row.classList.toggle("predicted", index === predicted && !abstained);
      say(value, smoothed.count > 1 ? `${percent(p)} ± ${Math.round(spread * 100)}` : percent(p));
      fill.style.transform = `scaleX(${p})`;
      whisker.hidden = spread < 0.005; // thinner than the line is long
      whisker.style.left = `${low * 100}%`;
      whisker.style.width = `${(high - low) * 100}%`;
    });
  }
}
