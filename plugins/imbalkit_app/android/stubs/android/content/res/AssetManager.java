package android.content.res;

import stand_in.Calls;

public final class AssetManager {
  public java.io.InputStream open(String name) throws java.io.IOException {
    java.io.InputStream content = Calls.answer("AssetManager.open", name);
    if (content == null) throw new java.io.FileNotFoundException(name);
    return content;
  }
}
