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
        return try {
            activity.startActivityForResult(parameters.createIntent(), CODE)
            true
        } catch (none: RuntimeException) { // ActivityNotFoundException, SecurityException
            waiting = null
            Telling.briefly(activity, "This phone has no app that opens pictures.")
            false
        }
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
