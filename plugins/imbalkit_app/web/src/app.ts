/** The app: ready, live, frozen; what the buttons do. */

import { Camera } from "./camera";
import type { Card } from "./card";
import type { Reader } from "./client";
import type { Facts } from "./facts";
import { guide } from "./guide";
import type { Answer, Area, Opened } from "./messages";
import { Meter } from "./meter";
import { OTHER_SCENE, reasons } from "./quality";
import { decision, result, type Shot } from "./result";
import { save } from "./saving";
import { average, Window } from "./smoothing";
import { setUpAbout } from "./view/about";
import { element } from "./view/dom";
import { Overlay } from "./view/overlay";
import { ReadingView } from "./view/reading";
import { clearError, showError, showStatus } from "./view/status";
import { Tools } from "./view/tools";
import { percent } from "./words";

type State = "ready" | "live" | "frozen";

const FRAMES = 10; // in the window: about a second

export class App {
  private readonly stage = element("stage", HTMLElement);
  private readonly video = element("video", HTMLVideoElement);
  private readonly still = element("still", HTMLCanvasElement);
  private readonly input = element("picture-input", HTMLInputElement);
  private readonly json = element("result-json", HTMLElement);
  private readonly camera = new Camera(this.video);
  private readonly overlay = new Overlay();
  private readonly window = new Window(FRAMES);
  private readonly meter = new Meter();
  private readonly view: ReadingView;
  private readonly tools: Tools;
  private state: State = "ready";
  private kept: readonly Shot[] = []; // before the one on the stage
  private current: Shot | null = null; // on the stage, when frozen; the last frame's, when live
  private area: Area | null = null; // of the frame that was read last
  private loop = 0; // the running one's number: an older one ends

  constructor(
    private readonly card: Card,
    private readonly facts: Facts,
    private readonly reader: Reader,
    private readonly opened: Opened,
  ) {
    this.view = new ReadingView(card, opened);
    this.tools = new Tools(this.camera, (id) => void this.start(id));
    setUpAbout(card, facts, () => [opened.accelerator, opened.note].filter(Boolean).join(". "));
    this.listen();
  }

  ready(): void {
    this.enter("ready");
    showStatus("Ready");
    for (const id of ["start", "open-picture"]) element(id, HTMLButtonElement).disabled = false;
  }

  private listen(): void {
    const on = (id: string, act: () => void): void => element(id, HTMLButtonElement).addEventListener("click", act);
    on("start", () => void this.start());
    on("freeze", () => this.freeze());
    on("retake", () => this.again([]));
    on("add-shot", () => this.again(this.shots));
    on("open-picture", () => this.input.click());
    on("save-json", () => this.saveJson());
    on("save-picture", () => this.savePicture());
    this.input.addEventListener("change", () => {
      const [file] = this.input.files ?? [];
      if (file) void this.openFile(file);
      this.input.value = ""; // the same file may be chosen again
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer?.files ?? [];
      if (file) void this.openFile(file);
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state === "live" && !this.camera.running) void this.start();
    });
  }

  private get shots(): readonly Shot[] {
    return this.current === null ? this.kept : [...this.kept, this.current];
  }

  private enter(state: State): void {
    this.state = state;
    document.body.dataset["state"] = state;
    this.video.hidden = state !== "live";
    this.still.hidden = state !== "frozen";
    if (state !== "live") this.overlay.hide();
    this.tools.show(state === "live");
    this.view.enter(state);
  }

  private async start(deviceId?: string): Promise<void> {
    clearError();
    showStatus("Starting the camera");
    try {
      await this.camera.start(deviceId);
    } catch (error) {
      this.enter("ready");
      showError(error instanceof Error ? error.message : String(error));
      return;
    }
    await this.tools.refresh();
    this.live();
  }

  private live(): void {
    this.current = null;
    this.window.clear();
    this.meter.clear();
    this.enter("live");
    showStatus(this.kept.length === 0 ? "Reading the camera" : `Reading the camera; ${this.kept.length} kept`);
    void this.read(++this.loop).catch((error: unknown) => {
      this.camera.stop();
      this.enter("ready");
      showError(error instanceof Error ? error.message : String(error));
    });
  }

  /** Reads frame after frame, one at a time, until the state changes. */
  private async read(loop: number): Promise<void> {
    for (;;) {
      const frame = await this.camera.frame();
      if (frame === null || this.loop !== loop || this.state !== "live") {
        frame?.close();
        return;
      }
      const grabbed = performance.now();
      const { area, box } = guide(sizeOf(this.video), this.stageSize, this.card.input);
      this.overlay.show(this.stageSize, box);
      const answer = await this.reader.frame(frame, area);
      if (this.loop !== loop || this.state !== "live") return;
      this.area = area;
      this.take(answer, performance.now() - grabbed);
    }
  }

  private take(answer: Answer, milliseconds: number): void {
    if ((answer.quality.motion ?? 0) >= OTHER_SCENE) this.window.clear();
    this.window.add(answer.probabilities);
    this.meter.add(performance.now(), milliseconds);
    const smoothed = this.window.smoothed!;
    this.current = { source: "camera", probabilities: smoothed.probabilities, quality: answer.quality };
    this.view.show(decision(smoothed, this.card), reasons(answer.quality));
    this.view.showSpeed(this.meter);
  }

  private freeze(): void {
    const { current, area } = this;
    if (this.state !== "live" || current === null || area === null) return;
    paint(this.still, this.video, area);
    this.finish(current);
  }

  private async openFile(file: File): Promise<void> {
    clearError();
    const before = this.state;
    this.loop++;
    showStatus(`Reading ${file.name}`);
    try {
      const { probabilities, quality } = await this.reader.file(file);
      const bitmap = await createImageBitmap(file);
      paint(this.still, bitmap, { left: 0, top: 0, width: bitmap.width, height: bitmap.height });
      bitmap.close();
      if (before === "frozen") this.kept = []; // another picture takes its place
      this.camera.stop();
      this.finish({ source: file.name, probabilities, quality });
    } catch (error) {
      showError(`${file.name}: ${error instanceof Error ? error.message : String(error)}`);
      if (before === "live") this.live();
    }
  }

  /** Shows a shot, with those that were kept before it. */
  private finish(shot: Shot): void {
    this.current = shot;
    this.enter("frozen");
    const made = result(this.shots, this.card, this.facts, this.opened.accelerator, new Date());
    const found = decision(average(this.shots.map((each) => each.probabilities))!, this.card);
    this.view.show(found, made.quality.retake);
    this.json.textContent = JSON.stringify(made, null, 2);
    const what = made.shots > 1 ? `Mean of ${made.shots} shots` : made.file === "camera" ? "Frozen" : made.file;
    const answer = made.abstained ? "no answer" : `${made.decision}, ${percent(made.probabilities[found.called]!)}`;
    showStatus(`${what}: ${answer}`);
  }

  /** Back to the camera or, after a file, to the choice, with the shots that are kept. */
  private again(kept: readonly Shot[]): void {
    if (this.state !== "frozen") return;
    this.kept = kept;
    if (this.camera.running) return this.live();
    this.current = null;
    this.enter("ready");
    showStatus(kept.length === 0 ? "Ready" : `${kept.length} kept: open or take another`);
  }

  private saveJson(): void {
    save(new Blob([this.json.textContent ?? "", "\n"], { type: "application/json" }), `${this.stem}.json`);
  }

  private savePicture(): void {
    this.still.toBlob((blob) => {
      if (blob) save(blob, `${this.stem}.png`);
    }, "image/png");
  }

  private get stem(): string {
    const source = this.current?.source.replace(/\.[^.]*$/, "") ?? "result";
    return source === "camera" ? `camera-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}` : source;
  }

  private get stageSize(): { width: number; height: number } {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }
}

function sizeOf(video: HTMLVideoElement): { width: number; height: number } {
  return { width: video.videoWidth, height: video.videoHeight };
}

function paint(canvas: HTMLCanvasElement, source: CanvasImageSource, { left, top, width, height }: Area): void {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")?.drawImage(source, left, top, width, height, 0, 0, width, height);
}
