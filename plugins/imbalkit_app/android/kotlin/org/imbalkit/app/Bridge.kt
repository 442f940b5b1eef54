package org.imbalkit.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.provider.Settings
import android.util.Base64
import android.webkit.JavascriptInterface

/** `window.imbalkitAndroid`: what the page may ask of the app. Called on a thread of the WebView's. */
class Bridge(private val activity: Activity, private val saving: Saving) {
    /** Saves a file: a WebView has no downloads of its own. */
    @JavascriptInterface
    fun save(name: String, type: String, base64: String) {
        activity.runOnUiThread(Save(name, type, Base64.decode(base64, Base64.DEFAULT)))
    }

    /** Opens the app's page in Android's settings, the way back where the camera was refused. */
    @JavascriptInterface
    fun openSettings() {
        activity.runOnUiThread(OpenSettings())
    }

    inner class Save(private val name: String, private val type: String, private val bytes: ByteArray) : Runnable {
        override fun run() = saving.ask(name, type, bytes)
    }

    inner class OpenSettings : Runnable {
        override fun run() {
            val page = Uri.fromParts("package", activity.packageName, null)
            try {
                activity.startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, page))
            } catch (none: RuntimeException) {
                Telling.briefly(activity, "Open Android's settings, then Apps, this app, Permissions.")
            }
        }
    }
}
