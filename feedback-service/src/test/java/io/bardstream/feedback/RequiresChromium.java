package io.bardstream.feedback;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Skips where no Chromium is installed, and says so. With {@code REQUIRE_CHROMIUM=1} that is a failure instead.
 * {@code CHROMIUM} names one at an uncommon place. A test whose browser hangs ends all the same.
 */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RequiresChromium.Condition.class)
@interface RequiresChromium {
    /** Looks for the program. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            if (program().isPresent()) {
                return ConditionEvaluationResult.enabled("Chromium is there");
            }
            String problem =
                    "No Chromium is installed (Debian: apt-get install chromium; elsewhere name it in CHROMIUM)";
            if ("1".equals(System.getenv("REQUIRE_CHROMIUM"))) {
                throw new IllegalStateException(problem);
            }
            return ConditionEvaluationResult.disabled(problem);
        }

        static Optional<Path> program() {
            return Stream.of(
                            System.getenv("CHROMIUM"),
                            "/usr/bin/chromium",
                            "/usr/bin/chromium-browser",
                            "/usr/bin/google-chrome")
                    .filter(name -> name != null && !name.isBlank())
                    .map(Path::of)
                    .filter(Files::isExecutable)
                    .findFirst();
        }
    }
}
