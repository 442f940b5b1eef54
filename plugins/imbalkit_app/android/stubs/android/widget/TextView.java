package android.widget;

import stand_in.Calls;

public class TextView extends android.view.View {
  public TextView(android.content.Context context) { super(context); }
  public final void setText(CharSequence text) { Calls.note("TextView.setText", text); }
  public void setTextColor(int color) { Calls.note("TextView.setTextColor", color); }
  public void setTextSize(float size) { Calls.note("TextView.setTextSize", size); }
}
