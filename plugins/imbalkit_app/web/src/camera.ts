/** The camera: stream, choice, torch, zoom, frames. */

import { android } from "./android";

/** What some devices can do beyond the standard's types. */
interface MoreCapabilities extends MediaTrackCapabilities {
  readonly torch?: boolean;
  readonly zoom?: { readonly min: number; readonly max: number; readonly step: number };
}

export interface Zoom {
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
}

/** A camera that cannot be used; the message is for a person. */
export class CameraError extends Error {
  constructor(
    message: string,
    readonly refused = false, // by the person
  ) {
    super(message);
  }
}

const WHERE = android === null ? "for this page in the browser's settings" : "in Android's settings (Apps, this app, Permissions, Camera)";
const WHY: Record<string, string> = {
  NotAllowedError: `The camera was refused. Allow it ${WHERE}, then start it again; pictures can be opened without it.`,
  NotFoundError: "No camera was found. Pictures can be opened without one.",
  NotReadableError: "The camera cannot be read: another app may be using it.",
  OverconstrainedError: "The camera that was chosen is not there any more.",
};

export class Camera {
  private stream: MediaStream | null = null;
  private presented = 0; // frames so far
  private taken = -1; // the last that was read

  constructor(private readonly video: HTMLVideoElement) {}

  /** Starts the back camera, or the one named. Throws CameraError. */
  async start(deviceId?: string): Promise<void> {
    const devices = navigator.mediaDevices as MediaDevices | undefined; // none on plain http
    if (devices === undefined) {
      throw new CameraError("The browser gives a camera to pages on https only: serve the page with --https. Pictures can be opened here.");
    }
    this.stop();
    const which = deviceId === undefined ? { facingMode: "environment" } : { deviceId: { exact: deviceId } };
    try {
      this.stream = await devices.getUserMedia({
        audio: false,
        video: { ...which, width: { ideal: 1280 }, height: { ideal: 720 } },
      });
      this.video.srcObject = this.stream;
      await this.video.play();
    } catch (error) {
      this.stop();
      const name = error instanceof DOMException ? error.name : "";
      throw new CameraError(WHY[name] ?? `The camera cannot be started (${String(error)}).`, name === "NotAllowedError");
    }
    this.presented = 0;
    this.taken = -1;
    this.watch();
  }

  stop(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  get running(): boolean {
    return this.track?.readyState === "live";
  }

  /** A frame that was not read before; null if the camera stops meanwhile. */
  async frame(): Promise<VideoFrame | ImageBitmap | null> {
    while (this.running && (this.presented === this.taken || this.video.videoWidth === 0)) await nextPaint();
    if (!this.running) return null;
    this.taken = this.presented;
    if ("VideoFrame" in window) {
      const frame = new VideoFrame(this.video);
      if (frame.displayWidth === this.video.videoWidth && frame.displayHeight === this.video.videoHeight) return frame;
      frame.close(); // a phone's frame that lies on its side
    }
    return createImageBitmap(this.video);
  }

  async choices(): Promise<{ id: string; label: string; chosen: boolean }[]> {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
    const chosen = this.track?.getSettings().deviceId;
    return found.map((each, index) => ({
      id: each.deviceId,
      label: each.label || `Camera ${index + 1}`,
      chosen: each.deviceId === chosen,
    }));
  }

  get hasTorch(): boolean {
    return this.capabilities.torch === true;
  }

  async torch(on: boolean): Promise<void> {
    await this.track?.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] });
  }

  get zoom(): Zoom | null {
    const { zoom } = this.capabilities;
    if (zoom === undefined || zoom.max <= zoom.min) return null;
    const settings = this.track?.getSettings() as { zoom?: number } | undefined;
    return { min: zoom.min, max: zoom.max, step: zoom.step, value: settings?.zoom ?? zoom.min };
  }

  async zoomTo(value: number): Promise<void> {
    await this.track?.applyConstraints({ advanced: [{ zoom: value } as MediaTrackConstraintSet] });
  }

  private get track(): MediaStreamTrack | undefined {
    return this.stream?.getVideoTracks()[0];
  }

  private get capabilities(): MoreCapabilities {
    return this.track?.getCapabilities?.() ?? {};
  }

  /** Counts the frames that are shown; where the browser does not tell, every paint counts. */
  private watch(): void {
    const { stream } = this;
    const next = (): void => {
      if (this.stream !== stream) return;
      this.presented++;
      again();
    };
    const again = (): void => {
      if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(next);
      else requestAnimationFrame(next);
    };
    again();
  }
}

function nextPaint(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => resolve()));
}
