package android.view;

import stand_in.Calls;

public abstract class Window {
  public void addFlags(int flags) { Calls.note("Window.addFlags", flags); }
}
