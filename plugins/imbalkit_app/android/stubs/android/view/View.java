package android.view;

import stand_in.Calls;

public class View {
  public View(android.content.Context context) { }
  public interface OnApplyWindowInsetsListener {
    WindowInsets onApplyWindowInsets(View view, WindowInsets insets);
  }
  public void setOnApplyWindowInsetsListener(OnApplyWindowInsetsListener listener) { Calls.note("View.setOnApplyWindowInsetsListener", listener); }
  public void setPadding(int left, int top, int right, int bottom) { Calls.note("View.setPadding", left, top, right, bottom); }
  public void setBackgroundColor(int color) { Calls.note("View.setBackgroundColor", color); }
  public final ViewParent getParent() { return Calls.answer("View.getParent"); }
}
