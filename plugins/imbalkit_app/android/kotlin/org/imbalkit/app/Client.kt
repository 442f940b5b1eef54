package org.imbalkit.app

import android.annotation.TargetApi
import android.content.res.AssetManager
import android.webkit.RenderProcessGoneDetail
import android.webkit.WebResourceRequest
import android.webkit.WebResourceResponse
import android.webkit.WebView
import android.webkit.WebViewClient
import java.io.ByteArrayInputStream
import java.io.IOException
import java.io.InputStream
import java.util.HashMap

/** Answers every request of the page from the app's own files, or refuses it; nothing is ever left to the network. */
class Client(private val assets: AssetManager, private val activity: MainActivity) : WebViewClient() {
    /** Never null: null would mean "ask the network". */
    override fun shouldInterceptRequest(view: WebView, request: WebResourceRequest): WebResourceResponse {
        val url = request.url
        val name = Pages.assetOf(url.scheme, url.host, url.port, url.path)
        if (name == null || request.method != "GET") return answer(403, "Forbidden", "text/plain", nothing())
        return try {
            answer(200, "OK", Pages.typeOf(name), assets.open(name))
        } catch (missing: IOException) {
            answer(404, "Not Found", "text/plain", nothing())
        }
    }

    /** True, that is "handled", for every place but the page's own: it is not opened at all. */
    override fun shouldOverrideUrlLoading(view: WebView, request: WebResourceRequest): Boolean {
        val url = request.url
        return !Pages.isOwn(url.scheme, url.host, url.port)
    }

    @TargetApi(26) // Android itself calls it, from 26 on; before, the page and the app are one process
    override fun onRenderProcessGone(view: WebView, detail: RenderProcessGoneDetail): Boolean {
        activity.startAgain()
        return true
    }

    private fun nothing(): InputStream = ByteArrayInputStream(ByteArray(0))

    private fun answer(status: Int, reason: String, type: String, content: InputStream): WebResourceResponse {
        // No COOP and COEP: they would promise threads, which a WebView has not.
        val headers = HashMap<String, String>()
        headers.put("Cache-Control", "no-store")
        headers.put("X-Content-Type-Options", "nosniff")
        headers.put("Referrer-Policy", "no-referrer")
        headers.put("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
        headers.put("Cross-Origin-Resource-Policy", "same-origin")
        return WebResourceResponse(type, Pages.charsetOf(type), status, reason, headers, content)
    }
}
