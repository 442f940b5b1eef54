package org.imbalkit.app;

import android.net.Uri;
import android.webkit.PermissionRequest;
import java.util.Arrays;
import stand_in.Calls;

/** The camera: for the own origin alone, after the person's permission, and nothing else with it. */
class CameraTest extends Checks {
  static final String VIDEO = "android.webkit.resource.VIDEO_CAPTURE", SOUND = "android.webkit.resource.AUDIO_CAPTURE";
  static final String GRANT = "grant[" + VIDEO + "]", ASK = "Activity.requestPermissions[[android.permission.CAMERA], 1]";
  static final String[] NAMES = {"android.permission.CAMERA"};
  static Camera camera;
  static Chrome chrome;

  static class Asked extends PermissionRequest {
    final String origin;
    final String[] wanted;
    String said = "";
    Asked(String origin, String... wanted) { this.origin = origin; this.wanted = wanted; }
    public Uri getOrigin() { return uri(origin); }
    public String[] getResources() { return wanted; }
    public void grant(String[] resources) { said += "grant" + Arrays.toString(resources); }
    public void deny() { said += "deny"; }
  }

  static Asked ask(String origin, String... wanted) {
    Asked asked = new Asked(origin, wanted);
    chrome.onPermissionRequest(asked);
    return asked;
  }

  static void allowed(boolean yes) {
    MainActivity activity = shown(35);
    camera = new Camera(activity);
    chrome = new Chrome(camera, new Pictures(activity));
    Calls.answers.put("Context.checkSelfPermission", yes ? 0 : -1);
  }

  static void run() {
    allowed(true);
    check("granted, without the microphone", ask(OWN + "/", SOUND, VIDEO).said, GRANT);
    check("another origin", ask("https://example.org/", VIDEO).said, "deny");
    check("another port", ask(OWN + ":8443/", VIDEO).said, "deny");
    check("the microphone", ask(OWN + "/", SOUND).said, "deny");
    check("nothing", ask(OWN + "/").said, "deny");
    check("nobody is asked twice", made(ASK), false);

    for (int answer : new int[] {0, -1}) {
      allowed(false);
      Asked waiting = ask(OWN + "/", VIDEO);
      check("waits", waiting.said, "");
      check("the person is asked", count(ASK), 1L);
      camera.answer(new int[] {answer});
      check("answered " + answer, waiting.said, answer == 0 ? GRANT : "deny");
    }

    allowed(false);
    Asked interrupted = ask(OWN + "/", VIDEO);
    camera.answer(new int[0]);
    check("interrupted", interrupted.said, "deny");
    check("and asked again", ask(OWN + "/", VIDEO).said + count(ASK), "2");

    allowed(false);
    Asked first = ask(OWN + "/", VIDEO), second = ask(OWN + "/", VIDEO);
    check("one dialog at a time", count(ASK), 1L);
    check("the earlier request is let go", first.said, "deny");
    camera.answer(new int[] {0});
    check("the later one gets the answer", second.said, GRANT);

    allowed(false);
    Asked cancelled = ask(OWN + "/", VIDEO);
    chrome.onPermissionRequestCanceled(cancelled);
    camera.answer(new int[] {0});
    check("cancelled by the page", cancelled.said, "");

    allowed(false);
    Asked lost = ask(OWN + "/", VIDEO);
    camera.forget();
    camera.answer(new int[] {0});
    check("of a page that is gone", lost.said, "");

    MainActivity activity = shown(35); // a request and its answer, by way of the activity
    chrome = (Chrome) Calls.last("WebView.setWebChromeClient");
    Calls.answers.put("Context.checkSelfPermission", -1);
    activity.onRequestPermissionsResult(1, NAMES, new int[] {0}); // nobody waits
    Asked waiting = ask(OWN + "/", VIDEO);
    activity.onRequestPermissionsResult(99, NAMES, new int[] {0});
    check("the answer to something else", waiting.said, "");
    activity.onRequestPermissionsResult(1, NAMES, new int[] {0});
    check("the activity hands the answer on", waiting.said, GRANT);
  }
}
