/** Which files the service worker stores, and the headers that it adds. */

const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
);

/** The files of a version that this browser may request: of LiteRT's variants those that it can run. */
export function cacheable(files: readonly string[], relaxedSimd = WebAssembly.validate(RELAXED_SIMD)): string[] {
  return files.filter((file) => !file.startsWith("litert/") || file.includes("_compat_") !== relaxedSimd);
}

/** The response with the headers that shared memory, and so threads, need; hosts may not send them. */
export function withIsolation(response: Response): Response {
  if (response.status === 0 || response.type === "opaqueredirect") return response; // cannot be copied
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  const { status, statusText } = response;
  return new Response(status === 204 || status === 304 ? null : response.body, { status, statusText, headers });
}
