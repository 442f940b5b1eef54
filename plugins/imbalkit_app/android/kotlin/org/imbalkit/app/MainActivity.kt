package org.imbalkit.app

import android.app.Activity
import android.content.Intent
import android.graphics.Color
import android.os.Build
import android.os.Bundle
import android.os.SystemClock
import android.view.View
import android.view.WindowManager
import android.webkit.WebSettings
import android.webkit.WebView
import android.widget.FrameLayout

/** The page, from this app's own files, in a WebView. There is no permission for the network. */
class MainActivity : Activity() {
    private val camera = Camera(this)
    private val pictures = Pictures(this)
    private val saving = Saving(this)
    private val losses = Losses()
    private var web: WebView? = null
    private var visible = false

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON)
        if (Build.VERSION.SDK_INT >= 33) BackInvoked(this).register()
    }

    override fun onResume() {
        super.onResume()
        visible = true
        val view = web
        if (view == null) show() else view.onResume() // again, too, after a WebView was updated
    }

    override fun onPause() {
        visible = false
        web?.onPause()
        super.onPause()
    }

    override fun onDestroy() {
        drop()
        super.onDestroy()
    }

    /** The process that draws the page has ended: memory ran out, or Android took it while the app was in the background. */
    fun startAgain() {
        drop()
        if (!visible) return // onResume does it
        if (losses.tooMany(SystemClock.elapsedRealtime())) fill(Telling.screen(this, Telling.LOST)) else show()
    }

    private fun show() {
        fill(
            try {
                val version = Pages.chromeVersion(WebSettings.getDefaultUserAgent(this))
                if (version < Telling.OLDEST) Telling.screen(this, Telling.tooOld(version)) else page()
            } catch (missing: RuntimeException) { // none, or one that is being updated
                Telling.screen(this, Telling.NO_WEBVIEW)
            }
        )
    }

    private fun fill(view: View) {
        val frame = FrameLayout(this)
        frame.setBackgroundColor(Color.BLACK)
        frame.setOnApplyWindowInsetsListener(Bars())
        frame.addView(view)
        setContentView(frame)
    }

    private fun page(): WebView {
        val view = WebView(this)
        view.setBackgroundColor(Color.BLACK) // no white flash
        val settings = view.settings
        settings.setJavaScriptEnabled(true)
        settings.setMediaPlaybackRequiresUserGesture(false) // the camera's picture is a video
        settings.setAllowFileAccess(false)
        settings.setAllowContentAccess(false)
        settings.setGeolocationEnabled(false)
        view.setWebViewClient(Client(assets, this))
        view.setWebChromeClient(Chrome(camera, pictures))
        view.addJavascriptInterface(Bridge(this, saving), "imbalkitAndroid") // own origin alone: every other one is refused
        view.loadUrl(Pages.START)
        web = view
        return view
    }

    private fun drop() {
        val view = web ?: return
        web = null
        camera.forget()
        pictures.forget()
        (view.parent as FrameLayout?)?.removeView(view)
        view.destroy()
    }

    override fun onBackPressed() = back()

    /** Closes a dialog of the page, else leaves. */
    fun back() {
        val view = web
        if (view == null) moveTaskToBack(true) else view.evaluateJavascript(Back.CLOSE_DIALOG, Back(this))
    }

    override fun onRequestPermissionsResult(code: Int, names: Array<String>, results: IntArray) {
        if (code == Camera.CODE) camera.answer(results)
    }

    override fun onActivityResult(code: Int, result: Int, data: Intent?) {
        if (code == Pictures.CODE) pictures.chosen(result, data)
        if (code == Saving.CODE) saving.chosen(if (result == RESULT_OK) data?.data else null)
    }
}
