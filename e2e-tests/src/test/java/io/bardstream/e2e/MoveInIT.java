package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.embedded.RequiresDocker;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A home of {@code ./bardstream} moves into containers while a model trains: the run, the served model and the votes are
 * there, and go on. The containers' log stays in {@code target/compose-move-in.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
class MoveInIT {
    private static final Path CORPUS = Path.of("..", "tokenizer-service/src/main/resources/corpus/shakespeare.txt")
            .toAbsolutePath()
            .normalize();
    private static final int VOTES = 3;

    @TempDir
    Path home;

    @Test
    void whatRanInProcessesGoesOnInContainers() throws Exception {
        // Given: a served model, votes and a training in processes, stopped
        Map<String, String> votes = new HashMap<>();
        JsonNode begun = inProcesses(votes);

        Compose compose = new Compose();
        compose.set("BARDSTREAM_FROM", home.toString());
        try (ComposedSystem system = new ComposedSystem(compose, Path.of("target", "compose-move-in.log"))) {
            // When: it moves in
            system.compose("run", "--rm", "move-in");
            system.up();
            system.awaitServed();
            system.awaitReady();

            // Then: everything is there, and goes on
            assertThat(system.served()).startsWith(begun.at("/id").asText().substring(0, "pretrain-12345678".length()));
            assertThat(system.decided()).isEqualTo(votes);
            Map.Entry<String, String> vote = system.judgeOne("ann");
            assertThat(system.decided()).contains(vote).hasSize(VOTES + 1);
            JsonNode ended = system.awaitSucceeded("pretrain");
            assertThat(ended.at("/id")).isEqualTo(begun.at("/id"));

            // And no other text is learned
            await().atMost(RunningSystem.SOON)
                    .pollInterval(Duration.ofSeconds(1))
                    .until(() -> system.compose("ps", "--all", "--format", "{{.State}} {{.ExitCode}}", "first-text")
                            .strip()
                            .equals("exited 0"));
            assertThat(system.get(Service.TOKENIZER, "/v1/corpora").at("/data").findValuesAsText("kind"))
                    .containsOnlyOnce("text");

            // And nothing moves in twice
            assertThatThrownBy(() -> system.compose("run", "--rm", "move-in"))
                    .hasMessageContaining("The volumes have data already");
        }
    }

    /** Runs the system until some have voted, adds their votes, stops it and gives the pretraining as it was. */
    private JsonNode inProcesses(Map<String, String> votes) throws Exception {
        Command bardstream = new Command(home);
        Command.Result up =
                bardstream.run(RunningSystem.SOON, "up", "--detach", "--preset", "tiny", "--corpus", CORPUS.toString());
        try {
            assertThat(up.exitCode()).as(up.output()).isZero();
            RunningSystem system = new RunningSystem() {
                @Override
                String address(Service service) {
                    return bardstream.address(service.port() - Service.INFERENCE.port());
                }
            };
            system.awaitServed();
            for (int vote = 0; vote < VOTES; vote++) {
                Map.Entry<String, String> cast = system.judgeOne("ann");
                votes.put(cast.getKey(), cast.getValue());
            }
            return system.run("pretrain").orElseThrow();
        } finally {
            bardstream.run(RunningSystem.SOON, "down");
        }
    }
}
