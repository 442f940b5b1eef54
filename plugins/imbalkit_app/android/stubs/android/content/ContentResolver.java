package android.content;

import stand_in.Calls;

public abstract class ContentResolver {
  public final java.io.OutputStream openOutputStream(android.net.Uri uri, String mode) throws java.io.FileNotFoundException {
    return Calls.answer("ContentResolver.openOutputStream", uri, mode);
  }
}
