/** The app: ready, live, frozen; what the buttons do. */

import { android } from "./android";
import { Camera, CameraError } from "./camera";
import type { Card } from "./card";
import type { Reader } from "./client";
import { messageOf } from "./errors";
import type { Facts } from "./facts";
import { guide } from "./guide";
import type { Answer, Opened } from "./messages";
import { Meter } from "./meter";
import { uprightBitmap } from "./orientation";
import { OTHER_SCENE, reasons } from "./quality";
import { combine, decision, result, type Shot } from "./result";
import { save } from "./saving";
import { average, FRAMES, Window } from "./smoothing";
import { setUpAbout } from "./view/about";
import { element } from "./view/dom";
import { Overlay } from "./view/overlay";
import { ReadingView } from "./view/reading";
import { clearError, showError, showStatus, status } from "./view/status";
import { Tools } from "./view/tools";
import { percent } from "./words";

type State = "ready" | "live" | "frozen";

const LIVE = "Reading the camera";
const STARTING = "Starting the camera";
const MAIN: Record<State, string> = { ready: "start", live: "freeze", frozen: "retake" };

export class App {
  private readonly stage = element("stage", HTMLElement);
  private readonly video = element("video", HTMLVideoElement);
  private readonly still = element("still", HTMLCanvasElement);
  private readonly input = element("picture-input", HTMLInputElement);
  private readonly controls = element("controls", HTMLElement);
  private readonly json = element("result-json", HTMLElement);
  private readonly camera = new Camera(this.video);
  private readonly overlay = new Overlay();
  private readonly window = new Window(FRAMES);
  private readonly meter = new Meter();
  private readonly view: ReadingView;
  private readonly tools: Tools;
  private state: State = "ready";
  private earlier: readonly Shot[] = []; // before the one on the stage
  private current: Shot | null = null; // on the stage, when frozen; the last frame's, when live
  private loop = 0; // number of what was begun last, frames or a file: an older one ends
  private settled: string | null = null; // the status before files that are being read
  private starting = false;
  private freezing = false;
  private file: Blob | null = null; // that is on the stage

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
    on("freeze", () => void this.freeze());
    on("retake", () => this.again(this.earlier));
    on("add-shot", () => this.again(this.shots));
    on("start-over", () => this.startOver());
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
      const [file, ...others] = event.dataTransfer?.files ?? [];
      if (!file) return;
      void this.openFile(file);
      if (others.length > 0) showError(`${file.name} alone was opened: open the others one by one, or add them as shots.`);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || this.state !== "live" || this.camera.running) return;
      this.loop++; // whoever still waits for a frame of the camera that was taken away must not report it
      void this.start();
    });
  }

  private get shots(): readonly Shot[] {
    return this.current === null ? this.earlier : [...this.earlier, this.current];
  }

  private enter(state: State): void {
    const held = this.controls.contains(document.activeElement);
    this.state = state;
    this.settled = null;
    document.body.dataset["state"] = state;
    this.video.hidden = state !== "live";
    this.still.hidden = state !== "frozen";
    if (state !== "live") this.overlay.hide();
    this.tools.show(state === "live");
    this.view.enter(state);
    if (held) element(MAIN[state], HTMLButtonElement).focus({ preventScroll: true }); // the button that was pressed is gone
  }

  private async start(deviceId?: string): Promise<void> {
    if (this.starting) return;
    this.starting = true;
    const loop = ++this.loop; // a file that is still being read is no longer wanted
    clearError();
    showStatus(STARTING);
    try {
      await this.camera.start(deviceId);
      await this.tools.refresh();
      if (this.loop === loop) this.live();
      else this.camera.stop(); // a file was opened since
    } catch (error) {
      if (this.loop === loop) this.fail(error);
    } finally {
      this.starting = false;
    }
  }

  private fail(error: unknown): void {
    this.camera.stop();
    this.enter("ready");
    showStatus("Ready");
    const settings = error instanceof CameraError && error.refused && android?.openSettings !== undefined;
    showError(messageOf(error), settings ? { label: "Open settings", act: () => android?.openSettings?.() } : null);
  }

  private live(): void {
    this.current = null;
    this.window.clear();
    this.meter.clear();
    this.enter("live");
    showStatus(this.earlier.length === 0 ? LIVE : `${LIVE}; ${count(this.earlier)}`);
    this.read(++this.loop).catch((error: unknown) => this.fail(error));
  }

  /** Reads frame after frame, one at a time, until the state changes. */
  private async read(loop: number): Promise<void> {
    for (;;) {
      const frame = await this.camera.frame();
      if (this.loop !== loop || this.state !== "live") return frame?.close();
      if (frame === null) throw new CameraError("The camera stopped: another app may have taken it. Start it again.");
      const grabbed = performance.now();
      const { area, box } = guide(sizeOf(this.video), this.stageSize, this.card.input);
      this.overlay.show(this.stageSize, box);
      const answer = await this.reader.frame(frame, area);
      if (this.loop !== loop || this.state !== "live") return;
      this.take(answer, performance.now() - grabbed);
    }
  }

  private take(answer: Answer, milliseconds: number): void {
    if ((answer.quality.motion ?? 0) >= OTHER_SCENE) this.window.clear();
    this.window.add(answer.probabilities);
    this.meter.add(performance.now(), milliseconds, answer.milliseconds.model);
    const smoothed = this.window.smoothed!;
    this.current = { source: "camera", smoothed, quality: answer.quality };
    this.view.show(decision(smoothed, this.card), reasons(answer.quality), 1);
    this.view.showSpeed(this.meter);
  }

  private async freeze(): Promise<void> {
    const { current } = this;
    if (this.state !== "live" || current === null || this.freezing) return;
    this.freezing = true;
    this.loop++; // what was shown when the button was pressed stays
    try {
      this.show(await this.reader.still(), null);
      this.finish(current);
    } catch (error) {
      this.fail(error);
    } finally {
      this.freezing = false;
    }
  }

  private async openFile(file: File): Promise<void> {
    clearError();
    this.settled ??= status() === STARTING ? "Ready" : status();
    const loop = ++this.loop;
    showStatus(`Reading ${file.name}`);
    try {
      const { probabilities, quality } = await this.reader.file(file);
      const picture = await uprightBitmap(file);
      if (this.loop !== loop) return picture.close(); // another was opened since, or the camera started
      this.show(picture, file);
      this.camera.stop();
      this.finish({ source: file.name, smoothed: average([probabilities])!, quality });
    } catch (error) {
      if (this.loop !== loop) return;
      const text = this.settled ?? status();
      this.settled = null;
      if (this.state === "live") this.live();
      else showStatus(text);
      showError(`${file.name}: ${messageOf(error)}`);
    }
  }

  /** Puts a picture on the stage; it is handed over. */
  private show(bitmap: ImageBitmap, file: Blob | null): void {
    this.file = file;
    this.still.width = bitmap.width;
    this.still.height = bitmap.height;
    this.still.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap); // nothing is copied
  }

  /** Shows a shot, together with the earlier ones. */
  private finish(shot: Shot): void {
    this.current = shot;
    this.enter("frozen");
    const made = result(this.shots, this.card, this.facts, this.opened.accelerator, new Date());
    const found = decision(combine(this.shots), this.card);
    this.view.show(found, made.quality.retake, made.shots);
    this.json.textContent = JSON.stringify(made, null, 2);
    const what = made.shots > 1 ? `Mean of ${made.shots} shots` : made.file === "camera" ? "Frozen" : made.file;
    const answer = made.abstained ? "no answer" : `${made.decision}, ${percent(made.probabilities[found.predicted]!)}`;
    showStatus(`${what}: ${answer}`);
  }

  /** Back to the camera or, after a file, to the choice, with these shots. */
  private again(shots: readonly Shot[]): void {
    if (this.state !== "frozen") return;
    this.loop++; // as in `start`
    this.keep(shots);
    if (this.camera.running) return this.live();
    this.current = null;
    this.enter("ready");
    showStatus(shots.length === 0 ? "Ready" : `${count(shots)}: open or take another`);
  }

  /** Forgets all shots. */
  private startOver(): void {
    this.keep([]);
    showStatus(this.state === "live" ? LIVE : "Ready");
  }

  private keep(shots: readonly Shot[]): void {
    this.earlier = shots;
    document.body.toggleAttribute("data-shots", shots.length > 0);
  }

  private saveJson(): void {
    this.save(new Blob([this.json.textContent ?? "", "\n"], { type: "application/json" }), `${this.stem}.json`);
  }

  private savePicture(): void {
    if (this.file !== null) return this.save(this.file, this.current?.source ?? "picture");
    const name = `${this.stem}.png`;
    this.still.toBlob((blob) => blob && this.save(blob, name), "image/png");
  }

  private save(content: Blob, name: string): void {
    clearError();
    save(content, name).catch((error: unknown) => showError(`${name} cannot be saved: ${messageOf(error)}`));
  }

  private get stem(): string {
    const source = this.current?.source.replace(/\.[^.]*$/, "") ?? "result";
    return source === "camera" ? `camera-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}` : source;
  }

  private get stageSize(): { width: number; height: number } {
    return { width: this.stage.clientWidth, height: this.stage.clientHeight };
  }
}

function count(shots: readonly Shot[]): string {
  return `${shots.length} ${shots.length === 1 ? "shot" : "shots"} so far`;
}

function sizeOf(video: HTMLVideoElement): { width: number; height: number } {
  return { width: video.videoWidth, height: video.videoHeight };
}
