package android.webkit;

import stand_in.Calls;

public class WebResourceResponse {
  public WebResourceResponse(String type, String encoding, int status, String reason, java.util.Map<String, String> headers, java.io.InputStream data) {
    Calls.note("WebResourceResponse", type, encoding, status, reason, new java.util.TreeMap<>(headers));
  }
}
