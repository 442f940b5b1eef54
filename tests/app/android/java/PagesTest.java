package org.imbalkit.app;

import android.content.res.AssetManager;
import java.io.ByteArrayInputStream;
import stand_in.Calls;

/** Addresses: which are answered, with what, and that no other is left to the network. */
class PagesTest extends Checks {
  static void run() {
    addresses();
    types();
    versions();
    answers();
  }

  static void addresses() {
    for (String[] row : new String[][] {
        {OWN + "/index.html", "page/index.html"}, {OWN + "/", "page/index.html"}, {OWN + "/litert/a.wasm", "page/litert/a.wasm"},
        {OWN + "/index.html?x=1#y", "page/index.html"}, {OWN + ":443/a.js", "page/a.js"}, {OWN + "/a%20b%C3%A9.txt", "page/a bé.txt"},
        {OWN + ":8443/a.js", null}, {OWN + ":0/a.js", null}, {OWN, null}, {OWN + "/../classes.dex", null}, {OWN + "/a/%2e%2e/%2e%2e/b", null},
        {OWN + "/%2e/b", null}, {OWN + "//b", null}, {OWN + "/a//b", null}, {OWN + "/a%5c..%5cb", null}, {OWN + "/a%00b", null}, {OWN + "/a/..", null},
        {"http://appassets.androidplatform.net/index.html", null}, {"https://example.org/index.html", null},
        {"https://appassets.androidplatform.net.example.org/", null}, {"https://example.org@appassets.androidplatform.net.x/", null},
        {"file:///etc/hosts", null}, {"file:///android_asset/page/index.html", null}, {"content://media/1", null}, {"data:text/html,x", null}}) {
      android.net.Uri url = uri(row[0]);
      check(row[0], Pages.assetOf(url.getScheme(), url.getHost(), url.getPort(), url.getPath()), row[1]);
    }
  }

  static void types() {
    for (String[] row : new String[][] {
        {"index.html", "text/html", "utf-8"}, {"a.js", "text/javascript", "utf-8"}, {"a.b.mjs", "text/javascript", "utf-8"}, {"x.css", "text/css", "utf-8"},
        {"x.wasm", "application/wasm", null}, {"m.tflite", "application/octet-stream", null}, {"none", "application/octet-stream", null},
        {"a.webmanifest", "application/manifest+json", null}, {"card.json", "application/json", null}, {"i.png", "image/png", null}}) {
      check("type of " + row[0], Pages.typeOf(row[0]), row[1]);
      check("charset of " + row[0], Pages.charsetOf(row[1]), row[2]);
    }
  }

  static void versions() {
    check("version", Pages.chromeVersion("Mozilla/5.0 (Linux; Android 13; wv) Version/4.0 Chrome/121.0.6167.71 Mobile"), 121);
    check("version at the end", Pages.chromeVersion("Chrome/94"), 94);
    check("no version", Pages.chromeVersion("Mozilla"), 0);
    check("no number", Pages.chromeVersion("Chrome/x"), 0);
    check("a number that overflows", Pages.chromeVersion("Chrome/99999999999999") > 94, true);
  }

  static void answers() {
    MainActivity activity = shown(35);
    Client client = new Client(new AssetManager(), activity);
    String rest = "{Cache-Control=no-store, Cross-Origin-Resource-Policy=same-origin, Permissions-Policy=camera=(self), microphone=(), geolocation=(),"
        + " Referrer-Policy=no-referrer, X-Content-Type-Options=nosniff}]";
    Calls.answers.put("AssetManager.open", new ByteArrayInputStream(new byte[] {1}));
    for (String[] row : new String[][] {
        {OWN + "/a.wasm", "GET", "[application/wasm, null, 200, OK, "}, {OWN + "/", "GET", "[text/html, utf-8, 200, OK, "},
        {OWN + "/a.wasm", "POST", "[text/plain, utf-8, 403, Forbidden, "}, {"https://example.org/x", "GET", "[text/plain, utf-8, 403, Forbidden, "},
        {OWN + "/../classes.dex", "GET", "[text/plain, utf-8, 403, Forbidden, "}, {"http://appassets.androidplatform.net/", "GET", "[text/plain, utf-8, 403, Forbidden, "}}) {
      Calls.made.clear();
      check(row[0] + " is answered, not left to the network", client.shouldInterceptRequest(null, request(row[0], row[1])) != null, true);
      check(row[1] + " " + row[0], made("WebResourceResponse" + row[2] + rest), true);
      check(row[0] + ": a file is opened", made("AssetManager.open[page/"), row[2].contains("200"));
    }
    Calls.answers.remove("AssetManager.open");
    check("missing is answered", client.shouldInterceptRequest(null, request(OWN + "/none.js", "GET")) != null, true);
    check("missing", made("WebResourceResponse[text/plain, utf-8, 404, Not Found, "), true);
    check("elsewhere is not opened", client.shouldOverrideUrlLoading(null, request("https://example.org/", "GET")), true);
    check("nor another app", client.shouldOverrideUrlLoading(null, request("intent://x", "GET")), true);
    check("its own is", client.shouldOverrideUrlLoading(null, request(OWN + "/", "GET")), false);
  }
}
