package android.content;

import stand_in.Calls;

public class Intent {
  public static final String ACTION_CREATE_DOCUMENT = "android.intent.action.CREATE_DOCUMENT";
  public static final String ACTION_OPEN_DOCUMENT = "android.intent.action.OPEN_DOCUMENT";
  public static final String CATEGORY_OPENABLE = "android.intent.category.OPENABLE";
  public static final String EXTRA_TITLE = "android.intent.extra.TITLE";
  public Intent(String action) { Calls.note("Intent", action); }
  public Intent(String action, android.net.Uri uri) { Calls.note("Intent", action, uri); }
  public Intent addCategory(String category) { Calls.note("Intent.addCategory", category); return this; }
  public Intent setType(String type) { Calls.note("Intent.setType", type); return this; }
  public Intent putExtra(String name, String value) { Calls.note("Intent.putExtra", name, value); return this; }
  public android.net.Uri getData() { return Calls.answer("Intent.getData"); }
}
