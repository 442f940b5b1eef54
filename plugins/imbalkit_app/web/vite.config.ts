import { copyFileSync, mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** LiteRT's variants that the page may load; the one for WebNN (jspi) is not among them. */
const VARIANTS = ["litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_threaded_internal"];

/** Puts LiteRT's wasm files beside the page: they are loaded by name when it is known what the browser can. */
function litert(): Plugin {
  return {
    name: "litert",
    apply: "build",
    closeBundle() {
      mkdirSync(`${HERE}dist/litert`, { recursive: true });
      for (const name of VARIANTS.flatMap((variant) => [`${variant}.js`, `${variant}.wasm`])) {
        copyFileSync(`${HERE}node_modules/@litertjs/core/wasm/${name}`, `${HERE}dist/litert/${name}`);
      }
    },
  };
}

export default defineConfig({
  base: "./", // any folder of any server
  plugins: [litert()],
  worker: { format: "iife" }, // LiteRT's loader calls importScripts, which a module worker has not
  build: {
    target: "es2022",
    modulePreload: false,
    rolldownOptions: {
      input: { index: `${HERE}index.html`, sw: `${HERE}src/sw.ts` },
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
});
