package org.imbalkit.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import android.provider.DocumentsContract
import java.io.File
import java.io.FileInputStream
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.io.OutputStream

/** Saving a file where the person wants it, by the system's own dialog: no permission for storage is needed. */
class Saving(private val activity: Activity) {
    private var asking = false

    /** Waits on disk, not in memory: Android may end the app while the dialog is open, and start it again with the answer. */
    private val held: File get() = File(activity.cacheDir, "saving")

    /** Asks for a place. */
    fun ask(name: String, type: String, bytes: ByteArray) {
        if (asking) return // tapped twice
        val intent = Intent(Intent.ACTION_CREATE_DOCUMENT)
        intent.addCategory(Intent.CATEGORY_OPENABLE)
        intent.setType(type)
        intent.putExtra(Intent.EXTRA_TITLE, name)
        try {
            val file = FileOutputStream(held)
            try {
                file.write(bytes)
            } finally {
                file.close()
            }
            activity.startActivityForResult(intent, CODE)
            asking = true
        } catch (full: IOException) {
            giveUp(FAILED)
        } catch (none: RuntimeException) { // ActivityNotFoundException: some work profiles
            giveUp("This phone has no app that saves files.")
        }
    }

    private fun giveUp(text: String) {
        held.delete()
        Telling.briefly(activity, text)
    }

    /** Writes to the place that was chosen; null where none was. */
    fun chosen(place: Uri?) {
        asking = false
        if (place == null) held.delete() else Thread(Writing(place)).start() // a place may be slow: a cloud, a card
    }

    inner class Writing(private val place: Uri) : Runnable {
        override fun run() {
            val done = write()
            held.delete()
            if (!done) activity.runOnUiThread(Failed())
        }

        private fun write(): Boolean {
            try {
                val from = FileInputStream(held)
                try {
                    val to = activity.contentResolver.openOutputStream(place, "wt") ?: return false // t: an older, longer file is cut
                    try {
                        copy(from, to)
                    } finally {
                        to.close()
                    }
                } finally {
                    from.close()
                }
                return true
            } catch (failed: IOException) {
                remove()
            } catch (refused: RuntimeException) { // SecurityException, and what a place's app throws at us
                remove()
            }
            return false
        }

        /** Nothing half-written stays. */
        private fun remove() {
            try {
                DocumentsContract.deleteDocument(activity.contentResolver, place)
            } catch (failed: IOException) {
            } catch (refused: RuntimeException) {
            }
        }
    }

    inner class Failed : Runnable {
        override fun run() = Telling.briefly(activity, FAILED)
    }

    private fun copy(from: InputStream, to: OutputStream) {
        val buffer = ByteArray(65536)
        while (true) {
            val count = from.read(buffer)
            if (count < 0) return
            to.write(buffer, 0, count)
        }
    }

    companion object {
        const val CODE = 3
        const val FAILED = "The file could not be saved. Is there room? Try another place."
    }
}
