import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, minifySync, type Plugin } from "vite";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** LiteRT's variants that the page may load; the one for WebNN (jspi) is not among them. */
const VARIANTS = ["litert_wasm_internal", "litert_wasm_compat_internal", "litert_wasm_threaded_internal"];

/** Puts LiteRT's wasm files and their loaders, made small, beside the page: they are loaded when it is known what the browser can. */
function litert(): Plugin {
  return {
    name: "litert",
    apply: "build",
    closeBundle() {
      const [from, to] = [`${HERE}node_modules/@litertjs/core/wasm`, `${HERE}dist/litert`];
      mkdirSync(to, { recursive: true });
      for (const name of VARIANTS) {
        copyFileSync(`${from}/${name}.wasm`, `${to}/${name}.wasm`);
        const { code, errors } = minifySync(`${name}.js`, readFileSync(`${from}/${name}.js`, "utf8"), { module: false });
        if (errors.length > 0) throw new Error(`${name}.js: ${errors[0]!.message}`);
        writeFileSync(`${to}/${name}.js`, code);
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
