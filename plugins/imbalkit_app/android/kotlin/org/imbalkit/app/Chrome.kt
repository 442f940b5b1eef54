package org.imbalkit.app

import android.net.Uri
import android.webkit.PermissionRequest
import android.webkit.ValueCallback
import android.webkit.WebChromeClient
import android.webkit.WebView

/** What the page asks of the browser around it. */
class Chrome(private val camera: Camera, private val pictures: Pictures) : WebChromeClient() {
    override fun onPermissionRequest(request: PermissionRequest) = camera.request(request)

    override fun onPermissionRequestCanceled(request: PermissionRequest) = camera.cancel(request)

    override fun onShowFileChooser(view: WebView, callback: ValueCallback<Array<Uri>>, parameters: FileChooserParams): Boolean =
        pictures.choose(callback, parameters)
}
