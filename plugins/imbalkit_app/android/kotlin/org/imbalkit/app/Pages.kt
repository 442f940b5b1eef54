package org.imbalkit.app

/** Which file of the app answers an address, and as what. Free of Android, so that a JVM can test it. */
object Pages {
    const val HOST = "appassets.androidplatform.net" // reserved for this use: no such server is ever asked
    const val START = "https://" + HOST + "/index.html"
    const val FOLDER = "page/" // of the APK's assets

    /** The asset at a decoded path of this app's own origin; null where there can be none. */
    @JvmStatic
    fun assetOf(scheme: String?, host: String?, port: Int, path: String?): String? {
        if (!isOwn(scheme, host, port) || path == null || !path.startsWith("/")) return null
        if (path.indexOf('\\') >= 0 || path.indexOf('\u0000') >= 0) return null
        val name = if (path.endsWith("/")) path.substring(1) + "index.html" else path.substring(1)
        for (part in (name as java.lang.String).split("/")) {
            if (part == "" || part == "." || part == "..") return null
        }
        return FOLDER + name
    }

    @JvmStatic
    fun isOwn(scheme: String?, host: String?, port: Int): Boolean =
        scheme == "https" && host == HOST && (port == -1 || port == 443)

    /** The type alone: with a charset behind it, WebAssembly refuses to compile what streams in. */
    @JvmStatic
    fun typeOf(name: String): String {
        val dot = name.lastIndexOf('.')
        return when (if (dot < 0) "" else name.substring(dot + 1)) {
            "html" -> "text/html"
            "js", "mjs" -> "text/javascript"
            "css" -> "text/css"
            "json" -> "application/json"
            "webmanifest" -> "application/manifest+json"
            "wasm" -> "application/wasm"
            "png" -> "image/png"
            "jpg", "jpeg" -> "image/jpeg"
            "svg" -> "image/svg+xml"
            "txt" -> "text/plain"
            else -> "application/octet-stream" // .tflite, too
        }
    }

    /** The charset of a type, null for those that have none. */
    @JvmStatic
    fun charsetOf(type: String): String? = if (type.startsWith("text/")) "utf-8" else null

    /** The major version in a WebView's user agent ("... Chrome/121.0.6167.71 Mobile ..."), 0 where there is none. */
    @JvmStatic
    fun chromeVersion(agent: String): Int {
        var at = agent.indexOf("Chrome/")
        if (at < 0) return 0
        at += 7
        var version = 0
        while (at < agent.length && agent[at] in '0'..'9' && version < 100000) version = version * 10 + (agent[at++] - '0')
        return version
    }
}
