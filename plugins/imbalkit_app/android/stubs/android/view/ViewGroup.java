package android.view;

import stand_in.Calls;

public abstract class ViewGroup extends View implements ViewParent, ViewManager {
  public ViewGroup(android.content.Context context) { super(context); }
  public void addView(View child) { Calls.note("ViewGroup.addView", child); }
  public void removeView(View child) { Calls.note("ViewGroup.removeView", child); }
}
