package org.imbalkit.app

import android.annotation.TargetApi
import android.os.Build
import android.view.View
import android.view.WindowInsets

/** Keeps the page out from below the bars, the camera's hole and the keyboard: from Android 15 on it would lie there. */
class Bars : View.OnApplyWindowInsetsListener {
    override fun onApplyWindowInsets(view: View, insets: WindowInsets): WindowInsets {
        if (Build.VERSION.SDK_INT >= 30) return pad(view, insets)
        view.setPadding(
            insets.systemWindowInsetLeft, insets.systemWindowInsetTop, insets.systemWindowInsetRight, insets.systemWindowInsetBottom
        )
        return insets.consumeSystemWindowInsets()
    }

    @TargetApi(30)
    private fun pad(view: View, insets: WindowInsets): WindowInsets {
        val types = WindowInsets.Type.systemBars() or WindowInsets.Type.displayCutout() or WindowInsets.Type.ime()
        val all = insets.getInsets(types)
        view.setPadding(all.left, all.top, all.right, all.bottom)
        return WindowInsets.CONSUMED
    }
}
