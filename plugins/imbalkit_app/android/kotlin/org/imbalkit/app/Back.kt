package org.imbalkit.app

import android.annotation.TargetApi
import android.app.Activity
import android.webkit.ValueCallback
import android.window.OnBackInvokedCallback
import android.window.OnBackInvokedDispatcher

/** The answer of the page to CLOSE_DIALOG: without a dialog, back leaves the app. */
class Back(private val activity: Activity) : ValueCallback<String> {
    override fun onReceiveValue(closed: String?) {
        if (closed != "true") activity.moveTaskToBack(true)
    }

    companion object {
        const val CLOSE_DIALOG = "(function(){var d=document.querySelector('dialog[open]');if(d)d.close();return !!d})()"
    }
}

/** Back in Android's newer way, which targets of 36 must use: onBackPressed is then not called. */
@TargetApi(33)
class BackInvoked(private val activity: MainActivity) : OnBackInvokedCallback {
    fun register() =
        activity.getOnBackInvokedDispatcher().registerOnBackInvokedCallback(OnBackInvokedDispatcher.PRIORITY_DEFAULT, this)

    override fun onBackInvoked() = activity.back()
}
