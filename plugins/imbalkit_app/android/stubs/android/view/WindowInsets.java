package android.view;

import stand_in.Calls;

public final class WindowInsets {
  public static final WindowInsets CONSUMED = new WindowInsets();
  public static final class Type {
    public static int displayCutout() { return Calls.number("WindowInsets.Type.displayCutout"); }
    public static int ime() { return Calls.number("WindowInsets.Type.ime"); }
    public static int systemBars() { return Calls.number("WindowInsets.Type.systemBars"); }
  }
  public android.graphics.Insets getInsets(int types) { return Calls.answer("WindowInsets.getInsets", types); }
  public int getSystemWindowInsetLeft() { return Calls.number("WindowInsets.getSystemWindowInsetLeft"); }
  public int getSystemWindowInsetTop() { return Calls.number("WindowInsets.getSystemWindowInsetTop"); }
  public int getSystemWindowInsetRight() { return Calls.number("WindowInsets.getSystemWindowInsetRight"); }
  public int getSystemWindowInsetBottom() { return Calls.number("WindowInsets.getSystemWindowInsetBottom"); }
  public WindowInsets consumeSystemWindowInsets() { Calls.note("WindowInsets.consumeSystemWindowInsets"); return this; }
}
