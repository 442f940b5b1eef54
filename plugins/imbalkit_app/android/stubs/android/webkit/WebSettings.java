package android.webkit;

import stand_in.Calls;

public abstract class WebSettings {
  public static String getDefaultUserAgent(android.content.Context context) { return Calls.answer("WebSettings.getDefaultUserAgent"); }
  public void setJavaScriptEnabled(boolean on) { Calls.note("WebSettings.setJavaScriptEnabled", on); }
  public void setMediaPlaybackRequiresUserGesture(boolean on) { Calls.note("WebSettings.setMediaPlaybackRequiresUserGesture", on); }
  public void setAllowFileAccess(boolean on) { Calls.note("WebSettings.setAllowFileAccess", on); }
  public void setAllowContentAccess(boolean on) { Calls.note("WebSettings.setAllowContentAccess", on); }
  public void setGeolocationEnabled(boolean on) { Calls.note("WebSettings.setGeolocationEnabled", on); }
}
