package org.imbalkit.app

/** When the page was lost: whoever loses it again and again must be told, not shown a page that starts for ever. */
class Losses {
    private var count = 0
    private var last = 0L

    /** Whether this loss is the third or later of a row, each within a minute of the one before. */
    fun tooMany(milliseconds: Long): Boolean {
        count = if (count > 0 && milliseconds - last < 60000) count + 1 else 1
        last = milliseconds
        return count >= 3
    }
}
