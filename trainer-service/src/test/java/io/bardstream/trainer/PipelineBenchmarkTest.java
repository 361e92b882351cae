package io.bardstream.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.embedded.Child;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.training.PipelineBenchmark;
import io.bardstream.training.PipelineBenchmark.Extent;
import io.bardstream.training.PipelineBenchmark.Result;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.nio.file.Path;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bardstream bench pipeline} measures something; how much of it is in docs/experiments.md. */
@QuarkusTest
@WithTestResource(EmbeddedServices.class)
class PipelineBenchmarkTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String kafka;

    @TempDir
    Path home;

    @Test
    void readsWhatItWroteAndTrainsWithAndWithoutKafka() throws Exception {
        Result result = PipelineBenchmark.measure(new Extent(3, 2, 0), kafka, broker(), home);

        assertThat(result.tokenBytes()).isEqualTo(3 * 65_536 * 2);
        assertThat(result.materialisedPerSecond()).isPositive();
        assertThat(result.steps()).isEqualTo(3 * 2 * 2);
        assertThat(result.millisecondsWithout()).isPositive();
        assertThat(result.millisecondsWith()).isPositive();
        assertThat(List.of(result.overhead(), result.clients(), result.broker(), result.share()))
                .allSatisfy(mean -> assertThat(mean.value()).isBetween(mean.low(), mean.high()));
    }

    private static long broker() {
        return ProcessHandle.current()
                .children()
                .map(ProcessHandle::pid)
                .filter(pid -> Child.isAlive(pid, "KafkaBroker"))
                .findFirst()
                .orElseThrow();
    }
}
