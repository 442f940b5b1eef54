/** The messages between the page and its worker. */

import type { Input } from "./card";
import type { Facts } from "./facts";
import type { Quality } from "./quality";
import type { ResizeRule } from "./resize";

export type Accelerator = "WebGPU" | "wasm, threads" | "wasm";

/** A part of a picture, in px. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Setup {
  readonly runtimeUrl: string; // of the folder of LiteRT's wasm files
  readonly modelUrl: string;
  readonly facts: Facts;
  readonly input: Input;
  readonly rule: ResizeRule;
  readonly exif: boolean;
  readonly classes: number;
  readonly mayThread: boolean;
}

export type Request =
  | { readonly kind: "open"; readonly id: number; readonly setup: Setup }
  | { readonly kind: "frame"; readonly id: number; readonly frame: VideoFrame | ImageBitmap; readonly area: Area }
  | { readonly kind: "file"; readonly id: number; readonly file: Blob }
  | { readonly kind: "still"; readonly id: number }; // the area that was read last

export interface Opened {
  readonly accelerator: Accelerator;
  readonly note: string | null; // why not WebGPU, where there is one
}

export interface Answer {
  readonly probabilities: Float32Array;
  readonly quality: Quality;
  readonly milliseconds: { readonly pixels: number; readonly model: number };
}

export type Reply =
  | { readonly id: number; readonly opened: Opened }
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly still: ImageBitmap }
  | { readonly id: number; readonly progress: number } // share of the model that is here; the reply follows
  | { readonly id: number; readonly error: string };
