package android.content;

import stand_in.Calls;

public abstract class Context {
  public android.content.res.AssetManager getAssets() { return Calls.answer("Context.getAssets"); }
  public java.io.File getCacheDir() { return Calls.answer("Context.getCacheDir"); }
  public ContentResolver getContentResolver() { return Calls.answer("Context.getContentResolver"); }
  public String getPackageName() { return Calls.answer("Context.getPackageName"); }
  public int checkSelfPermission(String permission) { return Calls.number("Context.checkSelfPermission", permission); }
  public void startActivity(Intent intent) { Calls.note("Context.startActivity", intent); }
}
