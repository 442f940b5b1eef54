package org.imbalkit.app;

/** Runs all of them; prints the failures and "N passed, M failed". */
class AppTest extends Checks {
  public static void main(String[] arguments) throws Exception {
    PagesTest.run();
    CameraTest.run();
    FilesTest.run();
    ActivityTest.run();
    System.out.println(passed + " passed, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
