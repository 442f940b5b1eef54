"""Headers of every response: nothing from elsewhere, nothing to elsewhere, no frame around it."""

from __future__ import annotations

from pathlib import PurePosixPath

POLICY = {  # as in index.html, which has it for servers that send no headers
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' blob: data:",
    "style-src": "'self'",
    "media-src": "'self' blob:",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}

SECURITY = {
    "Content-Security-Policy": "; ".join(
        f"{name} {value}" for name, value in (*POLICY.items(), ("frame-ancestors", "'none'"))
    ),
    "Cross-Origin-Opener-Policy": "same-origin",  # these two: threads in WebAssembly
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".crt": "application/x-x509-ca-cert",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
UNKNOWN = "application/octet-stream"  # .tflite, too

HASHED = "assets/"  # Vite puts a hash into these names: they never change
FOR_EVER, ASK = "public, max-age=31536000, immutable", "no-cache"


def type_of(name: str) -> str:
    """The MIME type of a file, by its name; without the system's table, which differs between machines."""
    return TYPES.get(PurePosixPath(name).suffix.lower(), UNKNOWN)


def caching_of(name: str) -> str:
    """Browsers store files whose name has a hash, and ask for changes of the others."""
    return FOR_EVER if name.startswith(HASHED) else ASK
