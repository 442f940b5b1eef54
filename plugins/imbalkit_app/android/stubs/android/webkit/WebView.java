package android.webkit;

import stand_in.Calls;

public class WebView extends android.widget.AbsoluteLayout {
  public WebView(android.content.Context context) { super(context); }
  public WebSettings getSettings() { return Calls.answer("WebView.getSettings"); }
  public void setWebViewClient(WebViewClient client) { Calls.note("WebView.setWebViewClient", client); }
  public void setWebChromeClient(WebChromeClient client) { Calls.note("WebView.setWebChromeClient", client); }
  public void addJavascriptInterface(Object object, String name) { Calls.note("WebView.addJavascriptInterface", object, name); }
  public void loadUrl(String url) { Calls.note("WebView.loadUrl", url); }
  public void evaluateJavascript(String script, ValueCallback<String> callback) { Calls.note("WebView.evaluateJavascript", script, callback); }
  public void onPause() { Calls.note("WebView.onPause"); }
  public void onResume() { Calls.note("WebView.onResume"); }
  public void destroy() { Calls.note("WebView.destroy"); }
}
