package org.imbalkit.app

import android.Manifest
import android.app.Activity
import android.content.pm.PackageManager
import android.webkit.PermissionRequest

/** The camera, and nothing else, for the page alone, once the person has allowed it to the app. */
class Camera(private val activity: Activity) {
    private var waiting: PermissionRequest? = null
    private var asking = false // Android's dialog is open; a second one would be refused at once

    /** The page wants something. */
    fun request(request: PermissionRequest) {
        val origin = request.origin
        if (!Pages.isOwn(origin.scheme, origin.host, origin.port) || !wantsCamera(request)) return request.deny()
        if (activity.checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) return grant(request)
        waiting?.deny()
        waiting = request
        if (asking) return
        asking = true
        activity.requestPermissions(arrayOf(Manifest.permission.CAMERA), CODE)
    }

    /** The page does not want it any more. */
    fun cancel(request: PermissionRequest) {
        if (waiting === request) waiting = null
    }

    /** The person has answered; no results at all where the dialog was interrupted. */
    fun answer(results: IntArray) {
        asking = false
        val request = waiting ?: return
        waiting = null
        if (results.size > 0 && results[0] == PackageManager.PERMISSION_GRANTED) grant(request) else request.deny()
    }

    /** The page is gone. */
    fun forget() {
        waiting = null
    }

    private fun wantsCamera(request: PermissionRequest): Boolean {
        for (resource in request.resources) if (resource == PermissionRequest.RESOURCE_VIDEO_CAPTURE) return true
        return false
    }

    private fun grant(request: PermissionRequest) = request.grant(arrayOf(PermissionRequest.RESOURCE_VIDEO_CAPTURE))

    companion object {
        const val CODE = 1
    }
}
