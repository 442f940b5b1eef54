package android.webkit;

import stand_in.Calls;

public class WebChromeClient {
  public void onPermissionRequest(PermissionRequest request) { }
  public void onPermissionRequestCanceled(PermissionRequest request) { }
  public boolean onShowFileChooser(WebView view, ValueCallback<android.net.Uri[]> callback, FileChooserParams parameters) { return false; }
  public static abstract class FileChooserParams {
    public static android.net.Uri[] parseResult(int result, android.content.Intent data) { return Calls.answer("FileChooserParams.parseResult", result, data); }
    public abstract android.content.Intent createIntent();
  }
}
