package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.embedded.RequiresDocker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
 * facts on a topic, a broker that goes away comes back, the votes become a reward model and a policy that serves, two
 * replicas share the work, and what a signal ends goes on. Each test goes on where the one before it stopped. The
 * containers' log stays in {@code target/compose.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ComposeIT {
    private static final int VOTES = 5;
    private static final int REPLICAS = 2;
    private static final double TOKENS_OF_A_BLOCK = 65_536;

    private ComposedSystem system;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        Compose compose = new Compose();
        compose.publish(Service.INFERENCE, REPLICAS);
        compose.publish(Service.TOKENIZER, REPLICAS);
        system = new ComposedSystem(compose, Path.of("target", "compose.log"));
        system.up();
    }

    @AfterAll
    void down() throws IOException {
        system.close();
    }

    @Test
    @Order(1)
    void rawTextBecomesAServedModel() {
        system.awaitServed();

        JsonNode completion = system.complete(system.address(Service.INFERENCE), 16);

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
        await().atMost(RunningSystem.SOON).until(() -> {
            system.judgeOne("cid");
            return system.run("ppo").isPresent();
        });

        String candidate = system.awaitSucceeded("ppo").at("/checkpoint").asText();
        assertThat(candidate).startsWith("ppo-");
        system.promote(candidate);

        awaitServed(system.address(Service.INFERENCE), candidate);
    }

    @Test
    @Order(5)
    void everyPromotionReachesBothReplicasAndRequestsAreSpreadOverThem() throws Exception {
        List<String> replicas = system.scale(Service.INFERENCE, REPLICAS);

        String earlier = system.awaitSucceeded("pretrain").at("/checkpoint").asText();
        system.promote(earlier);
        for (String replica : replicas) {
            awaitServed(replica, earlier);
        }

        await().atMost(RunningSystem.SOON).until(() -> {
            system.judgeOne("dot"); // so that pairs are asked for
            return replicas.stream().allMatch(replica -> answered(replica) > 0);
        });
    }

    @Test
    @Order(6)
    void whatBothReplicasAreAskedForIsTokenizedOnce() throws Exception {
        JsonNode known = system.get(
                Service.TOKENIZER,
                "/v1/datasets/"
                        + system.run("pretrain").orElseThrow().at("/dataset").asText());
        String request = "{\"corpus\":\"" + known.at("/corpus").asText() + "\",\"tokenizer\":\""
                + known.at("/tokenizer").asText() + "\",\"kind\":\"pretrain\",\"validation_fraction\":0.25}";
        List<String> replicas = system.scale(Service.TOKENIZER, REPLICAS);
        long before = system.records("token-batches");

        List<String> datasets = replicas.stream()
                .parallel()
                .map(replica -> system.post(replica + "/v1/datasets", request, 202)
                        .at("/id")
                        .asText())
                .toList();

        assertThat(datasets.get(0)).isEqualTo(datasets.get(1));
        long blocks = 0;
        for (String replica : replicas) {
            JsonNode dataset = await().atMost(RunningSystem.SOON)
                    .until(
                            () -> system.get(replica + "/v1/datasets/" + datasets.get(0)),
                            each -> each.at("/status").asText().equals("done"));
            blocks = blocks(dataset, "train") + blocks(dataset, "validation");
        }
        assertThat(system.records("token-batches") - before).isEqualTo(blocks);
    }

    /** The curriculum is at work on the new dataset meanwhile. */
    @Test
    @Order(7)
    void whatIsStoppedGoesOnWhereItWas() throws Exception {
        JsonNode run = await().atMost(RunningSystem.SOON)
                .until(
                        () -> system.run("pretrain").orElseThrow(),
                        each -> each.at("/step").asLong() > 0
                                && each.at("/status").asText().equals("running"));
        Map<String, String> votes = system.decided();

        system.compose("stop");

        for (String line : system.compose("ps", "--all", "--format", "{{.ExitCode}} {{.Name}}")
                .lines()
                .toList()) {
            assertThat(line).matches("(0|143) .*"); // 137: killed, after 10 s
        }

        system.compose("start");
        system.awaitReady();
        String id = run.at("/id").asText();
        await().atMost(RunningSystem.SOON)
                .until(() -> system.newestStep(id) >= run.at("/step").asLong());
        assertThat(system.run("pretrain").orElseThrow().at("/id").asText()).isEqualTo(id);
        assertThat(system.decided()).isEqualTo(votes);
        long resumed = system.run("pretrain").orElseThrow().at("/step").asLong();
        await().atMost(RunningSystem.SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(() -> system.run("pretrain").orElseThrow().at("/step").asLong() > resumed);
    }

    private void awaitServed(String replica, String checkpoint) {
        await().atMost(RunningSystem.SOON)
                .pollInterval(Duration.ofSeconds(1))
                .until(
                        () -> system.complete(replica, 4)
                                .at("/system_fingerprint")
                                .asText(),
                        checkpoint::equals);
    }

    /** Pairs that feedback-service asked for and this replica has made. */
    private double answered(String replica) {
        return system.text(replica + "/q/metrics")
                .lines()
                .filter(line -> line.startsWith("bardstream_inference_generation_requests_answered_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    private static long blocks(JsonNode dataset, String split) {
        return (long) Math.ceil(dataset.at("/splits/" + split + "/tokens").asLong() / TOKENS_OF_A_BLOCK);
    }
}
