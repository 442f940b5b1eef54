package stand_in;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** What the app asked of Android, for the tests on a JVM: each stub notes its calls here and answers what a test has prepared. */
public final class Calls {
  public static final List<String> made = new CopyOnWriteArrayList<>();
  public static final Map<String, Object> answers = new HashMap<>();

  private static final Map<String, Object> lasts = new HashMap<>();

  /** The first argument of the last such call. */
  public static Object last(String name) { return lasts.get(name); }

  public static void note(String name, Object... arguments) { answer(name, arguments); }

  /** What was prepared under the name, null where nothing was; an exception is thrown. */
  @SuppressWarnings("unchecked")
  public static <T> T answer(String name, Object... arguments) {
    made.add(name + Arrays.deepToString(arguments).replaceAll("@[0-9a-f]+", ""));
    if (arguments.length > 0) lasts.put(name, arguments[0]);
    Object answer = answers.get(name);
    if (answer instanceof RuntimeException) throw (RuntimeException) answer;
    return (T) answer;
  }

  public static boolean yes(String name, Object... arguments) { return Boolean.TRUE.equals(answer(name, arguments)); }

  public static int number(String name, Object... arguments) {
    Integer number = answer(name, arguments);
    return number == null ? 0 : number;
  }
}
