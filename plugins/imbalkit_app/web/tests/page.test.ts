import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { cacheable, withIsolation } from "../src/cache";
import { readFacts } from "../src/facts";
import { guide } from "../src/guide";
import { Meter } from "../src/meter";
import { verify } from "../src/model_file";
import { slowness } from "../src/words";

describe("guide", () => {
  test.each([
    ["portrait phone", { width: 720, height: 1280 }, { width: 360, height: 400 }],
    ["landscape camera on a tall stage", { width: 1280, height: 720 }, { width: 360, height: 600 }],
    ["wide stage", { width: 640, height: 480 }, { width: 1200, height: 500 }],
  ])("%s: the box is on the stage, centred, of the input's shape", (_, frame, stage) => {
    const { area, box } = guide(frame, stage, { width: 224, height: 224 });
    expect(area.width).toBe(area.height);
    expect(box.left).toBeGreaterThan(0);
    expect(box.top).toBeGreaterThan(0);
    expect(box.left * 2 + box.width).toBeCloseTo(stage.width, -0.5);
    expect(box.top * 2 + box.height).toBeCloseTo(stage.height, -0.5);
    expect(Math.max(box.width / stage.width, box.height / stage.height)).toBeCloseTo(0.84, 2);
  });

  test("an input that is no square, and a frame of a few pixels", () => {
    expect(guide({ width: 640, height: 480 }, { width: 640, height: 480 }, { width: 300, height: 100 }).area).toEqual({
      left: 51, top: 150, width: 538, height: 179,
    });
    expect(guide({ width: 2, height: 1 }, { width: 100, height: 100 }, { width: 9, height: 9 }).area).toMatchObject({ width: 1, height: 1 });
  });
});

describe("the model's file", () => {
  const model = new TextEncoder().encode("a model");
  const sha256 = createHash("sha256").update(model).digest("hex");
  const facts = { file: "a.tflite", bytes: model.length, sha256, imbalkit: "1" };

  test("is taken if it is the one that was written", async () => {
    expect(readFacts(JSON.stringify(facts))).toEqual(facts);
    await expect(verify(model, facts)).resolves.toBeUndefined();
  });

  test("is refused if it was cut off or changed", async () => {
    await expect(verify(model.slice(1), facts)).rejects.toThrow("expected 7 bytes, got 6");
    const changed = model.slice();
    changed[0]! ^= 1;
    await expect(verify(changed, facts)).rejects.toThrow("SHA-256");
  });

  test.each(["", "[]", '{"file": "a"}'])("facts %j are refused", (text) => {
    expect(() => readFacts(text)).toThrow("facts.json is damaged");
  });
});

describe("service worker", () => {
  const files = ["./", "index.html", "litert/litert_wasm_internal.wasm", "litert/litert_wasm_threaded_internal.wasm", "litert/litert_wasm_compat_internal.wasm"];

  test("stores the variants that the browser can run", () => {
    expect(cacheable(files, true)).toEqual(files.slice(0, 4));
    expect(cacheable(files, false)).toEqual(["./", "index.html", files[4]]);
  });

  test("adds isolation and leaves the rest", async () => {
    const response = withIsolation(new Response("a", { status: 404, headers: { "Content-Type": "text/plain" } }));
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("a");
    expect(response.headers.get("Content-Type")).toBe("text/plain");
    expect(response.headers.get("Cross-Origin-Embedder-Policy")).toBe("require-corp");
    expect(response.headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
  });
});

test("the meter counts the last frames", () => {
  const meter = new Meter();
  expect([meter.framesPerSecond, meter.milliseconds]).toEqual([0, 0]);
  for (let i = 0; i < 50; i++) meter.add(i < 25 ? i : 25 + (i - 25) * 100, i < 25 ? 1 : 40, 30);
  expect(meter.framesPerSecond).toBeCloseTo(10, 12);
  expect(meter.milliseconds).toBeCloseTo(40, 12);
  expect(meter.modelMilliseconds).toBeCloseTo(30, 12);
});

test("what shall not flicker is judged every ten frames", () => {
  const meter = new Meter();
  const due = Array.from({ length: 31 }, (_, i) => {
    const before = meter.due;
    meter.add(i, 1, 1);
    return before;
  });
  expect(due.flatMap((each, i) => (each ? [i] : []))).toEqual([10, 20, 30]);
  meter.clear();
  expect(meter.due).toBe(false);
});

test("the advice for a slow model has what was measured", () => {
  expect(slowness(289.6, 3.3, 10).replaceAll("\u00a0", " ")).toBe(
    "Slow on this device: 290 ms a frame in the model. Hold still for 4 s, or use a smaller backbone, fewer pixels or int8.",
  );
});
