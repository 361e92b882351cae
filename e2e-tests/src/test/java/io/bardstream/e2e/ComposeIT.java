package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.embedded.RequiresDocker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The unmodified {@code docker-compose.yml}, from empty volumes: text becomes a served model, people's votes become
 * facts on a topic, a broker that goes away comes back, and the votes become a reward model and a policy that serves.
 * Each test goes on where the one before it stopped. The containers' log stays in {@code target/compose.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ComposeIT {
    private static final int VOTES = 5;

    private ComposedSystem system;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        system = new ComposedSystem(Path.of("target", "compose.log"));
    }

    @AfterAll
    void down() throws IOException, InterruptedException {
        system.close();
    }

    @Test
    @Order(1)
    void rawTextBecomesAServedModel() {
        system.awaitServed();

        JsonNode completion =
                system.post("INFERENCE", "/v1/completions", "{\"prompt\":\"ROMEO:\",\"max_tokens\":16}", 200);

        assertThat(completion.at("/choices/0/text").asText()).isNotBlank();
        assertThat(completion.at("/system_fingerprint").asText()).startsWith("pretrain-");
    }

    @Test
    @Order(2)
    void votesBecomeFacts() {
        for (int vote = 0; vote < VOTES; vote++) {
            system.judgeOne("ann");
        }

        assertThat(system.decided()).hasSize(VOTES);
    }

    @Test
    @Order(3)
    void aBrokerThatComesBackIsFoundByAll() throws Exception {
        system.compose("kill", "kafka");
        system.judgeOne("bob"); // without a broker: what is ready is judged, and announced later
        system.compose("up", "--detach", "--no-build", "kafka");

        system.awaitReady();
        system.judgeOne("bob");
        assertThat(system.decided()).hasSize(VOTES + 2);
    }

    /** So many votes for the shorter text that a reward model passes its gate, and PPO follows by itself. */
    @Test
    @Order(4)
    void votesBecomeARewardModelAndAPolicyThatServes() {
        await().atMost(ComposedSystem.SOON).until(() -> {
            system.judgeOne("cid");
            return system.run("TRAINER", "ppo").isPresent();
        });

        await().atMost(ComposedSystem.SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> system.run("TRAINER", "ppo")
                                .orElseThrow()
                                .at("/status")
                                .asText(),
                        "succeeded"::equals);
        String candidate =
                system.run("TRAINER", "ppo").orElseThrow().at("/checkpoint").asText();
        assertThat(candidate).startsWith("ppo-");
        system.post("REWARD", "/v1/promotions", "{\"checkpoint\":\"" + candidate + "\"}", 201);

        await().atMost(ComposedSystem.SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> system.post(
                                        "INFERENCE", "/v1/completions", "{\"prompt\":\"ROMEO:\",\"max_tokens\":4}", 200)
                                .at("/system_fingerprint")
                                .asText(),
                        candidate::equals);
    }

    @Test
    @Order(5)
    void allEndOnTheFirstSignal() throws Exception {
        system.compose("stop", "--timeout", "30");

        List<String> ended = system.compose("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}")
                .lines()
                .toList();
        for (String line : ended) {
            assertThat(line.split(" ")[1]).as(line).isIn("0", "143"); // 137 were a kill
        }
    }
}
