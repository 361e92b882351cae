package io.bardstream.embedded;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;

/**
 * Skips what needs containers, and says why, where no Docker engine answers or an image is not there: Testcontainers alone would try to
 * pull for minutes. With {@code REQUIRE_DOCKER=1} in the environment nothing is skipped, so a build that counts on containers fails.
 *
 * <p>The images are those of {@link RequiresDocker}, or those of {@link ContainerServices} where a test runs once more over containers: it
 * stands in {@code META-INF/services}. Quarkus has extensions detected in every run, so without the annotation it decides only where the
 * execution {@code containers} of the build has set {@code bardstream.test.containers}.
 */
public final class DockerCondition implements ExecutionCondition {
    private static final long SECONDS = 10;

    /** What is in the way of each set of images, asked once a JVM. */
    private static final Map<List<String>, String> OBSTACLES = new ConcurrentHashMap<>();

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        if ("1".equals(System.getenv("REQUIRE_DOCKER"))) {
            return ConditionEvaluationResult.enabled("REQUIRE_DOCKER=1");
        }
        Optional<RequiresDocker> needs = AnnotationSupport.findAnnotation(context.getElement(), RequiresDocker.class);
        if (needs.isEmpty() && !Boolean.getBoolean("bardstream.test.containers")) {
            return ConditionEvaluationResult.enabled("needs no Docker engine");
        }
        List<String> images = needs.map(named -> List.of(named.value())).orElse(ContainerServices.IMAGES);
        String why = OBSTACLES.computeIfAbsent(images, DockerCondition::obstacle);
        return why.isEmpty()
                ? ConditionEvaluationResult.enabled("a Docker engine and the images are there")
                : ConditionEvaluationResult.disabled(why);
    }

    private static String obstacle(List<String> images) {
        if (!succeeds("docker", "info")) {
            return "no Docker engine answers to `docker info`";
        }
        List<String> missing = new ArrayList<>(images);
        missing.removeIf(image -> succeeds("docker", "image", "inspect", image));
        return missing.isEmpty() ? "" : "not here: docker pull " + String.join(" && docker pull ", missing);
    }

    private static boolean succeeds(String... command) {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
            process.destroyForcibly();
            return ended && process.exitValue() == 0;
        } catch (IOException noSuchCommand) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
