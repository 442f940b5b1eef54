/** The service worker: every file of this version in one cache, so that the page works offline; headers for threads. */

import { cacheable, withIsolation } from "./cache";

interface Files {
  readonly version: string;
  readonly files: readonly string[];
}

declare const self: ServiceWorkerGlobalScope & { FILES: Files };

importScripts("files.js");
const { version, files } = self.FILES;
const CACHE = `imbalkit-${version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  // From the server: the browser's own copies may be of an older version.
  await cache.addAll(cacheable(files).map((file) => new Request(file, { cache: "no-cache" })));
}

self.addEventListener("activate", (event) => {
  event.waitUntil(clean().then(() => self.clients.claim()));
});

async function clean(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("imbalkit-") && name !== CACHE).map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && new URL(request.url).origin === location.origin) event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const key = request.mode === "navigate" ? "index.html" : request;
  const found = await cache.match(key, { ignoreSearch: true });
  return withIsolation(found ?? (await fetch(request)));
}
