/** LiteRT.js in a worker: a model compiled on the fastest accelerator whose answers are right. */

import { loadAndCompile, loadLiteRt, supportsFeature, Tensor, type CompiledModel } from "@litertjs/core";
import type { Input } from "./card";
import type { Accelerator } from "./messages";
import type { Picture } from "./resize";
import { inputTensor } from "./tensor";

const AGREE = 1e-3; // of a probability between WebGPU and wasm on the test picture

/** A model that cannot be used; the message is for a person. */
export class ModelError extends Error {}

export class Model {
  private constructor(
    private readonly compiled: CompiledModel,
    private readonly input: Input,
    readonly accelerator: Accelerator,
    readonly note: string | null,
  ) {}

  /** Loads the runtime and the model. Throws ModelError. */
  static async open(runtimeUrl: string, bytes: Uint8Array, input: Input, classes: number): Promise<Model> {
    const threads = self.crossOriginIsolated && (await supportsFeature("relaxedSimd")) && (await supportsFeature("threads"));
    await start(runtimeUrl, threads);
    const plain = await compile(bytes, input, classes, "wasm", threads ? "wasm, threads" : "wasm");
    const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
    if (!adapter) return plain;
    try {
      const gpu = await compile(bytes, input, classes, "webgpu", "WebGPU");
      const note = await compare(gpu, plain);
      if (note === null) return plain.replacedBy(gpu);
      gpu.compiled.delete();
      return new Model(plain.compiled, input, plain.accelerator, note);
    } catch (error) {
      return new Model(plain.compiled, input, plain.accelerator, `WebGPU cannot run this model (${message(error)})`);
    }
  }

  static made(compiled: CompiledModel, input: Input, accelerator: Accelerator): Model {
    return new Model(compiled, input, accelerator, null);
  }

  /** Probabilities of a picture of the input's size. */
  async answer(picture: Picture): Promise<Float32Array> {
    const { height, width, channels, layout } = this.input;
    const shape = layout === "NHWC" ? [1, height, width, channels] : [1, channels, height, width];
    const tensor = new Tensor(inputTensor(picture, this.input), shape);
    try {
      const outputs = await this.compiled.run(tensor);
      const found = await outputs[0]!.data();
      outputs.forEach((each) => each.delete());
      if (!found.every(Number.isFinite)) throw new ModelError("The model answers with what are no numbers.");
      return Float32Array.from(found);
    } finally {
      tensor.delete();
    }
  }

  /** Milliseconds of one answer: the best of three after one to warm up. */
  async time(picture: Picture): Promise<number> {
    let best = Infinity;
    for (let i = 0; i < 4; i++) {
      const start = performance.now();
      await this.answer(picture);
      if (i > 0) best = Math.min(best, performance.now() - start);
    }
    return best;
  }

  private replacedBy(other: Model): Model {
    this.compiled.delete();
    return other;
  }
}

/** Loads LiteRT's wasm. Its loader looks for files beside the worker unless it is told. */
async function start(runtimeUrl: string, threads: boolean): Promise<void> {
  const module = {
    locateFile: (name: string) => runtimeUrl + name,
    mainScriptUrlOrBlob: `${runtimeUrl}litert_wasm_threaded_internal.js`, // what its threads run
    printErr, // of its C++
  };
  Object.assign(self, { Module: module });
  try {
    await loadLiteRt(runtimeUrl, { threads });
  } catch (error) {
    throw new ModelError(`WebAssembly cannot be started in this browser (${message(error)}). A newer one is needed.`);
  }
}

/** LiteRT's log goes where errors go, whatever it says. */
function printErr(line: string): void {
  if (/^(INFO|WARNING|VERBOSE)\b/.test(line)) console.debug(line);
  else console.error(line);
}

async function compile(
  bytes: Uint8Array,
  input: Input,
  classes: number,
  accelerator: "wasm" | "webgpu",
  name: Accelerator,
): Promise<Model> {
  let compiled: CompiledModel;
  try {
    compiled = await loadAndCompile(bytes, { accelerator, gpuOptions: { precision: "fp32" } });
  } catch (error) {
    throw new ModelError(`The model cannot be loaded: the file is damaged or not a TFLite file (${message(error)}).`);
  }
  check(compiled, input, classes);
  return Model.made(compiled, input, name);
}

/** The tensors are those that the card speaks of. */
function check(compiled: CompiledModel, input: Input, classes: number): void {
  const [source, target] = [compiled.getInputDetails()[0], compiled.getOutputDetails()[0]];
  const { height, width, channels, layout, type } = input;
  const wanted = layout === "NHWC" ? [1, height, width, channels] : [1, channels, height, width];
  for (const [what, card, file] of [
    ["takes pictures of shape", `${wanted}`, `${source?.shape}`],
    ["takes values of type", type, source?.dtype],
    ["answers with shape", `${[1, classes]}`, `${target?.shape}`],
  ] as const) {
    if (card !== file) throw new ModelError(`The model does not fit its card: it ${what} ${file}, the card says ${card}.`);
  }
}

/** Null if WebGPU gives the same answers and is faster, else why it is not used. */
async function compare(gpu: Model, plain: Model): Promise<string | null> {
  const picture = testPicture(plain);
  const [ours, theirs] = [await plain.answer(picture), await gpu.answer(picture)];
  const apart = Math.max(...ours.map((p, i) => Math.abs(p - theirs[i]!)));
  if (!(apart <= AGREE)) return `WebGPU is not used: its answers are up to ${apart.toPrecision(2)} from wasm's`;
  const [fast, slow] = [await gpu.time(picture), await plain.time(picture)];
  return fast < slow ? null : `WebGPU is not used: ${fast.toFixed(0)} ms a picture, wasm ${slow.toFixed(0)} ms`;
}

/** A picture with every grey level in every channel, the same each time. */
function testPicture(model: Model): Picture {
  const { height, width, channels } = model["input"];
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 2654435761) >>> 24);
  return { width, height, channels, data };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
