package android.app;

import stand_in.Calls;

public class Activity extends android.view.ContextThemeWrapper {
  public static final int RESULT_OK = -1;
  protected void onCreate(android.os.Bundle state) { Calls.note("Activity.onCreate"); }
  protected void onResume() { Calls.note("Activity.onResume"); }
  protected void onPause() { Calls.note("Activity.onPause"); }
  protected void onDestroy() { Calls.note("Activity.onDestroy"); }
  public void onBackPressed() { Calls.note("Activity.onBackPressed"); }
  protected void onActivityResult(int code, int result, android.content.Intent data) { }
  public void onRequestPermissionsResult(int code, String[] names, int[] results) { }
  public android.view.Window getWindow() { return Calls.answer("Activity.getWindow"); }
  public android.window.OnBackInvokedDispatcher getOnBackInvokedDispatcher() { return Calls.answer("Activity.getOnBackInvokedDispatcher"); }
  public void setContentView(android.view.View view) { Calls.note("Activity.setContentView", view); }
  public void startActivityForResult(android.content.Intent intent, int code) { Calls.note("Activity.startActivityForResult", intent, code); }
  public final void requestPermissions(String[] names, int code) { Calls.note("Activity.requestPermissions", names, code); }
  public boolean moveTaskToBack(boolean nonRoot) { return Calls.yes("Activity.moveTaskToBack", nonRoot); }
  public final void runOnUiThread(Runnable action) { action.run(); }
}
