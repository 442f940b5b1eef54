package org.imbalkit.app;

import android.graphics.Insets;
import android.view.View;
import android.view.WindowInsets;
import stand_in.Calls;

/** The app around the page: how it is set up, back, bars, an old WebView, a page that is lost. */
class ActivityTest extends Checks {
  static void run() {
    setup();
    back();
    bars();
    webViews();
    losses();
  }

  static void setup() {
    MainActivity activity = started(35, "121.0");
    check("nothing is loaded before it is seen", made("WebView.loadUrl"), false);
    activity.onResume();
    for (String call : new String[] {"Window.addFlags[128]", "WebSettings.setJavaScriptEnabled[true]", "WebSettings.setAllowFileAccess[false]",
        "WebSettings.setAllowContentAccess[false]", "WebSettings.setGeolocationEnabled[false]", "WebSettings.setMediaPlaybackRequiresUserGesture[false]",
        "WebView.addJavascriptInterface[org.imbalkit.app.Bridge, imbalkitAndroid]", "WebView.setWebViewClient[org.imbalkit.app.Client]",
        "WebView.setWebChromeClient[org.imbalkit.app.Chrome]", "WebView.loadUrl[" + OWN + "/index.html]"}) check(call, count(call), 1L);
    activity.onPause();
    activity.onResume();
    check("paused with the app", made("WebView.onPause") && made("WebView.onResume"), true);
    check("and not loaded again", count("WebView.loadUrl"), 1L);
    activity.onDestroy();
    activity.onDestroy();
    check("destroyed once", count("WebView.destroy"), 1L);
    for (String call : new String[] {"Activity.onCreate", "Activity.onResume", "Activity.onPause", "Activity.onDestroy"}) check(call, made(call), true);
  }

  static void back() {
    MainActivity activity = shown(32);
    check("an older phone knows no new way back", made("Activity.getOnBackInvokedDispatcher"), false);
    activity.onBackPressed();
    check("the page is asked first", count("WebView.evaluateJavascript[(function(){var d=document.querySelector('dialog[open]')"), 1L);
    check("and leaving waits", made("Activity.moveTaskToBack"), false);
    new Back(activity).onReceiveValue("true");
    check("a dialog was closed", made("Activity.moveTaskToBack"), false);
    new Back(activity).onReceiveValue("false");
    check("nothing to close", count("Activity.moveTaskToBack[true]"), 1L);
    new Back(activity).onReceiveValue(null);
    check("a page that does not answer", count("Activity.moveTaskToBack[true]"), 2L);

    activity = shown(33);
    check("the new way, too", count("registerOnBackInvokedCallback[0]"), 1L);
    Dispatcher.last.onBackInvoked();
    check("asks the page as well", count("WebView.evaluateJavascript"), 1L);

    activity = started(35, "80.0");
    activity.onResume();
    activity.onBackPressed();
    check("without a page it leaves", made("Activity.moveTaskToBack[true]"), true);
  }

  static void bars() {
    for (int level : new int[] {24, 29, 30, 36}) {
      MainActivity activity = shown(level);
      check("insets are listened to", made("View.setOnApplyWindowInsetsListener[org.imbalkit.app.Bars]"), true);
      Calls.answers.put("WindowInsets.getSystemWindowInsetTop", 24);
      Calls.answers.put("WindowInsets.Type.systemBars", 1);
      Calls.answers.put("WindowInsets.Type.displayCutout", 2);
      Calls.answers.put("WindowInsets.Type.ime", 4);
      Calls.answers.put("WindowInsets.getInsets", Insets.of(1, 2, 3, 4));
      WindowInsets left = new Bars().onApplyWindowInsets(new View(activity), WindowInsets.CONSUMED);
      boolean newer = level >= 30;
      check(level + ": padded", made(newer ? "View.setPadding[1, 2, 3, 4]" : "View.setPadding[0, 24, 0, 0]"), true);
      check(level + ": by what it knows", made("WindowInsets.getInsets[7]"), newer);
      check(level + ": and not twice", newer ? left == WindowInsets.CONSUMED : made("WindowInsets.consumeSystemWindowInsets"), true);
    }
  }

  static void webViews() {
    MainActivity activity = started(35, "80.0");
    activity.onResume();
    check("old", made("TextView.setText[This app needs \"Android System WebView\" 94 or newer; this phone has 80.") && !made("WebView.loadUrl"), true);
    activity.onPause();
    Calls.answers.put("WebSettings.getDefaultUserAgent", "Chrome/94.0");
    activity.onResume();
    check("updated meanwhile", count("WebView.loadUrl"), 1L);

    activity = started(35, "121.0");
    Calls.answers.put("WebSettings.getDefaultUserAgent", new RuntimeException("MissingWebViewPackageException"));
    activity.onResume();
    check("none", made("TextView.setText[This app shows a page by \"Android System WebView\", which this phone does not have"), true);
    activity = started(35, "121.0");
    Calls.answers.put("WebView.getSettings", new RuntimeException("being updated"));
    activity.onResume();
    check("none that can be made", made("TextView.setText[This app shows a page"), true);
    activity.onPause();
    Calls.answers.put("WebView.getSettings", new android.webkit.WebSettings() {});
    activity.onResume();
    check("and that can be, later", count("WebView.loadUrl"), 1L);
  }

  static void losses() {
    MainActivity activity = shown(35);
    Calls.answers.put("View.getParent", new android.widget.FrameLayout(activity));
    Client client = new Client(new android.content.res.AssetManager(), activity);
    for (int i = 1; i <= 3; i++) {
      Calls.answers.put("SystemClock.elapsedRealtime", 1000 * i);
      check("the app lives on", client.onRenderProcessGone(null, null), true);
    }
    check("taken out and destroyed", count("ViewGroup.removeView") + count("WebView.destroy"), 6L);
    check("twice again, then told", count("WebView.loadUrl") + " " + count("TextView.setText[The page stopped several times"), "3 1");
    activity.onPause();
    activity.onResume();
    check("and again when the person comes back", count("WebView.loadUrl"), 4L);

    activity = shown(35);
    for (int i = 1; i <= 5; i++) {
      Calls.answers.put("SystemClock.elapsedRealtime", 120_000 * i);
      activity.startAgain();
    }
    check("rare losses go on for ever", count("WebView.loadUrl") + " " + made("TextView.setText"), "6 false");

    activity = shown(35);
    activity.onPause();
    activity.startAgain();
    check("in the background nothing is loaded", count("WebView.loadUrl"), 1L);
    activity.onResume();
    check("but when it is seen again", count("WebView.loadUrl"), 2L);
  }
}
