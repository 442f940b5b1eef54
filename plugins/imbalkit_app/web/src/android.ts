/** The bridge to Android's app, whose WebView shows this page; its other side is the app's Kotlin. */

/** What the app gives the page as `window.imbalkitAndroid`. Call these on the object itself: they are Java's methods. */
export interface Android {
  /**
   * Asks the person for a place by the system's own dialog, and writes a file there: a WebView has no downloads.
   * Returns at once; the app itself tells of a file that could not be written.
   *
   * @param name what the dialog proposes
   * @param type the MIME type
   * @param base64 the content
   */
  save(name: string, type: string, base64: string): void;

  /** Opens this app's page of Android's settings, where a camera that was refused can be allowed. */
  openSettings?(): void;
}

declare global {
  interface Window {
    readonly imbalkitAndroid?: Android;
  }
}

/** The bridge; null in a browser. */
export const android: Android | null = window.imbalkitAndroid ?? null;
