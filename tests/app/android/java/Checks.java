package org.imbalkit.app;

import android.net.Uri;
import android.os.Build;
import android.webkit.WebResourceRequest;
import android.webkit.WebSettings;
import java.util.Objects;
import stand_in.Calls;

/** What the tests of the app share: in its package, so that they may call what Android would. */
class Checks {
  static final String OWN = "https://appassets.androidplatform.net";
  static int passed, failed;

  static void check(String what, Object found, Object expected) {
    if (Objects.equals(found, expected)) passed++;
    else {
      failed++;
      System.out.println("FAILED " + what + ": expected " + expected + ", got " + found + "\n  calls: " + Calls.made);
    }
  }

  static boolean made(String beginning) { return count(beginning) > 0; }

  static long count(String beginning) { return Calls.made.stream().filter(call -> call.startsWith(beginning)).count(); }

  /** An app on a phone of an API level, with a WebView of a version, started but not shown yet. */
  static MainActivity started(int level, String version) {
    Calls.made.clear();
    Calls.answers.clear();
    Build.VERSION.SDK_INT = level;
    Calls.answers.put("Activity.getWindow", new android.view.Window() {});
    Calls.answers.put("Activity.getOnBackInvokedDispatcher", new Dispatcher());
    Calls.answers.put("Context.getPackageName", "org.example.app");
    Calls.answers.put("WebView.getSettings", new WebSettings() {});
    Calls.answers.put("WebSettings.getDefaultUserAgent", "Mozilla/5.0 (Linux; Android 13; wv) Chrome/" + version + " Mobile Safari/537.36");
    MainActivity activity = new MainActivity();
    activity.onCreate(null);
    return activity;
  }

  static MainActivity shown(int level) {
    MainActivity activity = started(level, "121.0.6167.71");
    activity.onResume();
    return activity;
  }

  static class Dispatcher implements android.window.OnBackInvokedDispatcher {
    static android.window.OnBackInvokedCallback last;
    public void registerOnBackInvokedCallback(int priority, android.window.OnBackInvokedCallback callback) {
      Calls.note("registerOnBackInvokedCallback", priority);
      last = callback;
    }
  }

  /** An address as Android reads it: the path is decoded. */
  static Uri uri(String text) {
    java.net.URI parsed = java.net.URI.create(text);
    return new Uri() {
      public String getScheme() { return parsed.getScheme(); }
      public String getHost() { return parsed.getHost(); }
      public int getPort() { return parsed.getPort(); }
      public String getPath() { return parsed.getPath(); }
      public String toString() { return text; }
    };
  }

  static WebResourceRequest request(String url, String method) {
    return new WebResourceRequest() {
      public Uri getUrl() { return uri(url); }
      public String getMethod() { return method; }
    };
  }
}
