/** LiteRT.js in a worker: a model compiled for the fastest accelerator whose predictions are right. */

import { loadAndCompile, loadLiteRt, supportsFeature, Tensor, type CompiledModel } from "@litertjs/core";
import type { Input } from "./card";
import { messageOf } from "./errors";
import type { Accelerator, Opened } from "./messages";
import type { Picture } from "./resize";
import { inputTensor } from "./tensor";

const AGREE = 1e-3; // of a probability, between WebGPU and wasm on the test picture

const MOST_THREADS = 4; // as phones have fast cores: a slow one would hold the others up (not measured on a phone)

let threads = false; // whether the LiteRT that was loaded has them

/** A model that cannot be used; the message is for a person. */
export class ModelError extends Error {}

/** A compiled model that is asked one picture at a time. */
export class Model {
  constructor(
    private readonly compiled: CompiledModel,
    private readonly input: Input,
  ) {}

  /** Probabilities of a picture of the input's size. */
  async answer(picture: Picture): Promise<Float32Array> {
    const tensor = new Tensor(inputTensor(picture, this.input), shapeOf(this.input));
    try {
      const outputs = await this.compiled.run(tensor);
      const found = Float32Array.from(await outputs[0]!.data());
      outputs.forEach((each) => each.delete());
      if (!found.every(Number.isFinite)) throw new ModelError("The model's output is not finite.");
      return found;
    } finally {
      tensor.delete();
    }
  }

  /** Milliseconds of one answer: the best of three, after one to warm up. */
  async time(picture: Picture): Promise<number> {
    let best = Infinity;
    for (let i = 0; i < 4; i++) {
      const start = performance.now();
      await this.answer(picture);
      if (i > 0) best = Math.min(best, performance.now() - start);
    }
    return best;
  }

  close(): void {
    this.compiled.delete();
  }
}

/**
 * Compiles the model for wasm, and for WebGPU too where there is an adapter, which is then used if it gives the
 * same probabilities, and faster. After `startRuntime`. Throws ModelError.
 */
export async function openModel(bytes: Uint8Array, input: Input, classes: number): Promise<{ model: Model; opened: Opened }> {
  const plain = await compile(bytes, input, classes, "wasm");
  const accelerator: Accelerator = threads ? "wasm, threads" : "wasm";
  const picture = testPicture(input);
  await plain.answer(picture); // the first prediction is slow: not the user's
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return { model: plain, opened: { accelerator, note: null } };
  if (adapter.info?.isFallbackAdapter) return { model: plain, opened: { accelerator, note: "WebGPU is software here" } };
  try {
    const gpu = await compile(bytes, input, classes, "webgpu");
    const note = await compare(gpu, plain, picture);
    (note === null ? plain : gpu).close();
    if (note === null) return { model: gpu, opened: { accelerator: "WebGPU", note } };
    return { model: plain, opened: { accelerator, note } };
  } catch (error) {
    return { model: plain, opened: { accelerator, note: `WebGPU cannot run this model (${messageOf(error)})` } };
  }
}

/**
 * Loads LiteRT's wasm, with threads where they are allowed and the browser has them. Its loader would look for files beside
 * the worker. Throws ModelError.
 */
export async function startRuntime(runtimeUrl: string, mayThread: boolean): Promise<void> {
  threads = mayThread && self.crossOriginIsolated && (await supportsFeature("relaxedSimd")) && (await supportsFeature("threads"));
  const module = {
    locateFile: (name: string) => runtimeUrl + name,
    mainScriptUrlOrBlob: `${runtimeUrl}litert_wasm_threaded_internal.js`, // what its threads run
    printErr, // of its C++
  };
  Object.assign(self, { Module: module });
  try {
    await loadLiteRt(runtimeUrl, { threads });
  } catch (error) {
    throw new ModelError(
      `WebAssembly cannot be started in this browser (${messageOf(error)}). Load the page again, or use a newer browser.`,
    );
  }
}

/** LiteRT's log goes where errors go, whatever it says. */
function printErr(line: string): void {
  if (/^(INFO|WARNING|VERBOSE)\b/.test(line)) console.debug(line);
  else console.error(line);
}

async function compile(bytes: Uint8Array, input: Input, classes: number, accelerator: "wasm" | "webgpu"): Promise<Model> {
  let compiled: CompiledModel;
  try {
    const numThreads = threads ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
    compiled = await loadAndCompile(bytes, { accelerator, cpuOptions: { numThreads }, gpuOptions: { precision: "fp32" } });
  } catch (error) {
    throw new ModelError(`The model cannot be loaded: it is damaged, or no TFLite file (${messageOf(error)}).`);
  }
  check(compiled, input, classes);
  return new Model(compiled, input);
}

/** The tensors are those that the card speaks of. */
function check(compiled: CompiledModel, input: Input, classes: number): void {
  const [source, target] = [compiled.getInputDetails()[0], compiled.getOutputDetails()[0]];
  for (const [what, card, file] of [
    ["takes pictures of shape", String(shapeOf(input)), String(source?.shape)],
    ["takes values of type", input.type, String(source?.dtype)],
    ["outputs a shape of", String([1, classes]), String(target?.shape)],
  ] as const) {
    if (card !== file) throw new ModelError(`The model does not fit its card: it ${what} ${file}, the card says ${card}.`);
  }
}

function shapeOf({ height, width, channels, layout }: Input): number[] {
  return layout === "NHWC" ? [1, height, width, channels] : [1, channels, height, width];
}

/** Null if WebGPU gives the same probabilities and is faster, else why it is not used. */
async function compare(gpu: Model, plain: Model, picture: Picture): Promise<string | null> {
  const [ours, theirs] = [await plain.answer(picture), await gpu.answer(picture)];
  const apart = Math.max(...ours.map((p, i) => Math.abs(p - theirs[i]!)));
  if (apart > AGREE) return `WebGPU is not used: its probabilities are up to ${apart.toPrecision(2)} from wasm's`;
  const [fast, slow] = [await gpu.time(picture), await plain.time(picture)];
  return fast < slow ? null : `WebGPU is not used: ${fast.toFixed(0)} ms a picture, wasm ${slow.toFixed(0)} ms`;
}

/** Noise of every level, the same each time. */
function testPicture({ height, width, channels }: Input): Picture {
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  return { width, height, channels, data };
}
