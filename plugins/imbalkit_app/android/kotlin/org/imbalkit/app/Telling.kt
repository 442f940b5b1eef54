package org.imbalkit.app

import android.content.Context
import android.graphics.Color
import android.view.View
import android.widget.TextView
import android.widget.Toast

/** What the app itself has to say, where the page cannot. */
object Telling {
    const val OLDEST = 94 // of Chromium: class static blocks; WebAssembly's SIMD is of 91

    const val NO_WEBVIEW = "This app shows a page by \"Android System WebView\", which this phone does not have, or is updating just now. " +
        "Install or enable it in the app store, then come back."
    const val LOST = "The page stopped several times in a row: this phone may have too little memory for this model. " +
        "Close other apps, then come back; or ask for an app with a smaller model."

    fun tooOld(version: Int): String = "This app needs \"Android System WebView\" " + OLDEST + " or newer; this phone has " + version + ". " +
        "Update it in the app store (on some phones it is Chrome that must be updated), then come back."

    /** Fills the screen instead of the page. */
    fun screen(context: Context, text: String): View {
        val view = TextView(context)
        view.setTextColor(Color.WHITE)
        view.setTextSize(18f)
        view.setPadding(64, 64, 64, 64)
        view.setText(text)
        return view
    }

    fun briefly(context: Context, text: String) = Toast.makeText(context, text, Toast.LENGTH_LONG).show()
}
