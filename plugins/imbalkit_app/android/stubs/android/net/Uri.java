package android.net;

import stand_in.Calls;

public abstract class Uri {
  public static Uri fromParts(String scheme, String part, String fragment) { return Calls.answer("Uri.fromParts", scheme, part, fragment); }
  public abstract String getScheme();
  public abstract String getHost();
  public abstract int getPort();
  public abstract String getPath();
}
