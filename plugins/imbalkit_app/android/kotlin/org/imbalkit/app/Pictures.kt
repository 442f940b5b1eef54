package org.imbalkit.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.webkit.ValueCallback
import android.webkit.WebChromeClient

/** Opening a picture: the page's `<input type="file">` by the system's own dialog. */
class Pictures(private val activity: Activity) {
    private var waiting: ValueCallback<Array<Uri>>? = null

    /** False where nothing on this phone can choose one. */
    fun choose(callback: ValueCallback<Array<Uri>>, parameters: WebChromeClient.FileChooserParams): Boolean {
        waiting?.onReceiveValue(null)
        waiting = callback
        if (open(documents()) || open(parameters.createIntent())) return true
        waiting = null
        Telling.briefly(activity, "This phone has no app that opens pictures.")
        return false
    }

    /** Not Android 13's picker of photographs: of its files a WebView may say that they have changed (issues.chromium.org/40123366). */
    private fun documents(): Intent {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT)
        intent.addCategory(Intent.CATEGORY_OPENABLE)
        return intent.setType("image/*")
    }

    private fun open(intent: Intent): Boolean = try {
        activity.startActivityForResult(intent, CODE)
        true
    } catch (none: RuntimeException) { // ActivityNotFoundException, SecurityException
        false
    }

    fun chosen(result: Int, data: Intent?) {
        waiting?.onReceiveValue(WebChromeClient.FileChooserParams.parseResult(result, data))
        waiting = null
    }

    /** The page is gone. */
    fun forget() {
        waiting = null
    }

    companion object {
        const val CODE = 2
    }
}
