package android.provider;

import stand_in.Calls;

public final class DocumentsContract {
  public static boolean deleteDocument(android.content.ContentResolver resolver, android.net.Uri uri) throws java.io.FileNotFoundException {
    return Calls.yes("DocumentsContract.deleteDocument", uri);
  }
}
