package org.imbalkit.app;

import android.content.ContentResolver;
import android.content.Intent;
import android.net.Uri;
import android.webkit.ValueCallback;
import android.webkit.WebChromeClient;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Base64;
import stand_in.Calls;

/** Opening a picture and saving files, by the system's dialogs. */
class FilesTest extends Checks {
  static File cache;

  static void run() throws Exception {
    cache = Files.createTempDirectory("cache").toFile();
    opening();
    saving();
    failing();
    settings();
  }

  static class Chosen implements ValueCallback<Uri[]> {
    String said = "";
    public void onReceiveValue(Uri[] places) { said += Arrays.toString(places); }
  }

  static class Parameters extends WebChromeClient.FileChooserParams {
    public Intent createIntent() { return new Intent("get"); }
  }

  static void opening() {
    MainActivity activity = shown(35);
    Pictures pictures = new Pictures(activity);
    Chrome chrome = new Chrome(new Camera(activity), pictures);
    Chosen first = new Chosen(), second = new Chosen(), third = new Chosen();
    check("a dialog opens", chrome.onShowFileChooser(null, first, new Parameters()) && made("Activity.startActivityForResult[android.content.Intent, 2]"), true);
    check("of documents", made("Intent[android.intent.action.OPEN_DOCUMENT]") && made("Intent.setType[image/*]") && !made("Intent[get]"), true);
    chrome.onShowFileChooser(null, second, new Parameters());
    check("an earlier choice is let go", first.said, "null");
    Calls.answers.put("FileChooserParams.parseResult", new Uri[] {uri("content://a/1")});
    pictures.chosen(-1, new Intent("x"));
    check("chosen", second.said, "[content://a/1]");
    pictures.chosen(-1, new Intent("x"));
    check("once", second.said, "[content://a/1]");
    Calls.answers.put("Activity.startActivityForResult", new RuntimeException("ActivityNotFoundException"));
    check("no app for it", chrome.onShowFileChooser(null, third, new Parameters()) || !made("Toast.makeText[This phone has no app that opens"), false);
    check("the WebView's own dialog was tried, too", made("Intent[get]"), true);
    check("the page is told by the false alone", third.said, "");
  }

  /** Waits for the thread that writes. */
  static void await(String call) throws InterruptedException {
    for (int i = 0; i < 500 && !(call == null ? !held().exists() : made(call)); i++) Thread.sleep(10);
  }

  static File held() { return new File(cache, "saving"); }

  static MainActivity ready(OutputStream place) {
    MainActivity activity = shown(35);
    Calls.answers.put("Context.getCacheDir", cache);
    Calls.answers.put("Context.getContentResolver", new ContentResolver() {});
    Calls.answers.put("ContentResolver.openOutputStream", place);
    Calls.answers.put("Intent.getData", uri("content://documents/7"));
    return activity;
  }

  static void saving() throws Exception {
    byte[] content = new byte[200_001];
    new java.util.Random(1).nextBytes(content);
    ByteArrayOutputStream place = new ByteArrayOutputStream();
    MainActivity activity = ready(place);
    Saving saving = new Saving(activity);
    Bridge bridge = new Bridge(activity, saving);
    bridge.save("result.json", "application/json", Base64.getEncoder().encodeToString(content));
    bridge.save("again.json", "application/json", "AAAA");
    for (String call : new String[] {"Intent[android.intent.action.CREATE_DOCUMENT]", "Intent.addCategory[android.intent.category.OPENABLE]",
        "Intent.setType[application/json]", "Intent.putExtra[android.intent.extra.TITLE, result.json]"}) check(call, made(call), true);
    check("tapped twice: one dialog", count("Activity.startActivityForResult[android.content.Intent, 3]"), 1L);
    saving.chosen(uri("content://documents/7"));
    await(null);
    check("the content", Arrays.equals(place.toByteArray(), content), true);
    check("an older, longer file is cut", made("ContentResolver.openOutputStream[content://documents/7, wt]"), true);
    check("nothing is left", held().exists() || made("DocumentsContract.deleteDocument") || made("Toast"), false);

    bridge.save("a.png", "image/png", "AAAA");
    saving.chosen(null);
    check("cancelled: nothing is written, nothing left", held().exists() || count("ContentResolver.openOutputStream") > 1, false);
    bridge.save("a.png", "image/png", "AAAA");
    check("and asked anew", count("Activity.startActivityForResult[android.content.Intent, 3]"), 3L);

    ByteArrayOutputStream later = new ByteArrayOutputStream(); // Android ended the app meanwhile: another activity gets the answer
    ready(later).onActivityResult(3, -1, new Intent("x"));
    await(null);
    check("the content outlives the app", Arrays.toString(later.toByteArray()), "[0, 0, 0]");
    ready(later).onActivityResult(3, 0, null);
    check("cancelled in the new one", made("ContentResolver.openOutputStream"), false);
    bridge.save("a.png", "image/png", "AAAA");
  }

  static void failing() throws Exception {
    OutputStream full = new OutputStream() {
      public void write(int value) throws IOException { throw new IOException("no space left"); }
    };
    Object[] places = {full, null, new SecurityException("gone")};
    for (Object place : places) {
      Saving saving = new Saving(ready(null));
      Calls.answers.put("ContentResolver.openOutputStream", place);
      saving.ask("a.png", "image/png", new byte[] {1, 2});
      saving.chosen(uri("content://documents/7"));
      await("Toast.show");
      check("told: " + place, made("Toast.makeText[The file could not be saved."), true);
      check("nothing half-written: " + place, made("DocumentsContract.deleteDocument[content://documents/7]"), place != null);
      check("nothing left in the cache: " + place, held().exists(), false);
    }
    Saving none = new Saving(ready(null));
    Calls.answers.put("Activity.startActivityForResult", new RuntimeException("ActivityNotFoundException"));
    none.ask("a.png", "image/png", new byte[] {1, 2});
    check("no app that saves", made("Toast.makeText[This phone has no app that saves"), true);
    check("and nothing left", held().exists(), false);

    Saving unwritable = new Saving(ready(null));
    Calls.answers.put("Context.getCacheDir", new File(cache, "none"));
    unwritable.ask("a.png", "image/png", new byte[] {1, 2});
    check("a full phone", made("Toast.makeText[The file could not be saved.") && !made("Activity.startActivityForResult"), true);
  }

  static void settings() {
    MainActivity activity = shown(35);
    Calls.answers.put("Uri.fromParts", uri("package:org.example.app"));
    Bridge bridge = new Bridge(activity, new Saving(activity));
    bridge.openSettings();
    check("the app's own page", made("Uri.fromParts[package, org.example.app, null]"), true);
    check("of the settings", made("Intent[android.settings.APPLICATION_DETAILS_SETTINGS, package:org.example.app]") && made("Context.startActivity["), true);
    Calls.answers.put("Context.startActivity", new RuntimeException("ActivityNotFoundException"));
    bridge.openSettings();
    check("no such page", made("Toast.makeText[Open Android's settings"), true);
  }
}
