package android.os;

import stand_in.Calls;

public final class SystemClock {
  public static long elapsedRealtime() { return Calls.number("SystemClock.elapsedRealtime"); }
}
