package android.widget;

import stand_in.Calls;

public class Toast {
  public static final int LENGTH_LONG = 1;
  public static Toast makeText(android.content.Context context, CharSequence text, int length) { Calls.note("Toast.makeText", text, length); return new Toast(); }
  public void show() { Calls.note("Toast.show"); }
}
