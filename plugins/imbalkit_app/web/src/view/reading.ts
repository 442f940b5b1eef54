/** The reading: decision, bars, reasons to take it again, speed. */

import { neverPositive, type Card } from "../card";
import type { Opened } from "../messages";
import { SLOW, type Meter } from "../meter";
import type { Reason } from "../quality";
import type { Decision } from "../result";
import { FRAMES } from "../smoothing";
import { caution, explain, legend, REASONS, slowness } from "../words";
import { Bars } from "./bars";
import { element, icon, make, say } from "./dom";

export class ReadingView {
  private readonly answer = element("answer", HTMLElement);
  private readonly decision = element("decision", HTMLElement);
  private readonly why = element("why", HTMLElement);
  private readonly quality = element("quality", HTMLElement);
  private readonly panel = element("panel", HTMLElement);
  private readonly bars: Bars;
  private readonly slow = element("slow", HTMLElement);
  private readonly legend = element("legend", HTMLElement);
  private shown = ""; // the reasons that are on the page

  constructor(
    private readonly card: Card,
    private readonly opened: Opened,
  ) {
    document.title = card.name;
    say(element("name", HTMLElement), card.name);
    say(element("caution", HTMLElement), caution(card));
    this.bars = new Bars(element("bars", HTMLElement), card);
    this.panel.dataset["accelerator"] = opened.accelerator;
  }

  enter(state: "ready" | "live" | "frozen"): void {
    element("welcome", HTMLElement).hidden = state !== "ready";
    this.panel.hidden = state !== "live";
    if (state !== "live") say(this.slow, "");
    if (state !== "frozen") this.answer.hidden = true;
    if (state === "ready") this.showReasons([]);
  }

  /** `shots`: how many the reading is the mean of; one is the mean of its frames. */
  show(found: Decision, retake: readonly Reason[], shots: number): void {
    const { predicted, abstained, smoothed } = found;
    this.answer.hidden = false;
    this.bars.show(found);
    say(this.decision, abstained ? "No answer" : this.card.classes[predicted]!);
    say(this.why, explain(this.card, smoothed.probabilities, predicted, abstained));
    this.decision.dataset["value"] = this.card.classes[predicted]!;
    this.decision.dataset["abstained"] = String(abstained);
    this.decision.classList.toggle("positive", predicted === this.card.positive && !abstained);
    say(this.legend, legend(smoothed.count, shots, this.card.threshold !== null && !neverPositive(this.card)));
    this.showReasons(retake);
  }

  showSpeed(meter: Meter): void {
    const [fps, ms, model] = [meter.framesPerSecond, meter.milliseconds, meter.modelMilliseconds];
    this.panel.dataset["fps"] = fps.toFixed(1);
    this.panel.dataset["ms"] = ms.toFixed(1);
    this.panel.dataset["model"] = model.toFixed(1);
    if (meter.due) say(this.slow, model > SLOW ? slowness(model, fps, FRAMES) : "");
    say(this.panel, `${fps.toFixed(0)} frames/s · ${ms.toFixed(0)} ms · ${this.opened.accelerator}`);
  }

  private showReasons(retake: readonly Reason[]): void {
    const key = retake.join();
    if (key === this.shown) return;
    this.shown = key;
    this.quality.hidden = retake.length === 0;
    this.quality.dataset["reasons"] = key;
    this.answer.classList.toggle("uncertain", retake.length > 0);
    this.quality.replaceChildren(...retake.map((reason) => make("span", {}, icon("warn"), REASONS[reason])));
  }
}
