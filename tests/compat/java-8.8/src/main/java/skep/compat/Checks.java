package skep.compat;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Runs checks one after the other, prints a line for each and counts. */
final class Checks {
  /** How long anything may take: generous, because the machine may be busy. */
  static final Duration PATIENCE = Duration.ofSeconds(20);

  private final String prefix;
  private int passed;
  private int failed;

  Checks(String prefix) {
    this.prefix = prefix;
  }

  interface Body {
    void run() throws Exception;
  }

  void check(String name, Body body) {
    try {
      body.run();
      passed++;
      System.out.println("ok   " + prefix + name);
    } catch (Throwable problem) {
      failed++;
      System.out.println("FAIL " + prefix + name + ": " + problem);
    }
  }

  int passed() {
    return passed;
  }

  int failed() {
    return failed;
  }

  static void equal(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError("expected " + expected + ", got " + actual);
    }
  }

  static void isTrue(boolean condition, String message) {
    if (!condition) {
      throw new AssertionError(message);
    }
  }

  /** The exception that the call ends with; it is an error when it succeeds. */
  static Exception refused(Callable<?> call) {
    try {
      call.call();
    } catch (Exception expected) {
      return expected;
    }
    throw new AssertionError("expected a refusal, but the call succeeded");
  }
}
