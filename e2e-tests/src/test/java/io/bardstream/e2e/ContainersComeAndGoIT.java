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
 * Containers that come and go by {@code docker compose}: a broker that is missing while somebody votes comes back, two
 * replicas of two services share the work, and what is stopped goes on. Each test goes on where the one before it
 * stopped. The containers' log stays in {@code target/compose-come-and-go.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ContainersComeAndGoIT {
    private static final int REPLICAS = 2;
    private static final double TOKENS_OF_A_BLOCK = 65_536;

    private ComposedSystem system;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        Compose compose = new Compose();
        compose.publish(Service.INFERENCE, REPLICAS);
        compose.publish(Service.TOKENIZER, REPLICAS);
        system = new ComposedSystem(compose, Path.of("target", "compose-come-and-go.log"));
        system.up();
    }

    @AfterAll
    void down() throws IOException {
        system.close();
    }

    @Test
    @Order(1)
    void aBrokerThatComesBackIsFoundByAll() throws Exception {
        system.awaitServed();
        system.judgeOne("ann");
        system.compose("kill", "kafka");
        system.judgeOne("ann"); // without a broker: what is ready is judged, and announced later
        system.compose("up", "--detach", "--no-build", "kafka");

        system.awaitReady();
        system.judgeOne("ann");
        assertThat(system.decided()).hasSize(3);
    }

    @Test
    @Order(2)
    void everyPromotionReachesBothReplicasAndRequestsAreSpreadOverThem() throws Exception {
        List<String> replicas = system.scale(Service.INFERENCE, REPLICAS);

        system.awaitSucceeded("sft"); // what it makes is promoted by itself
        String earlier = system.awaitSucceeded("pretrain").at("/checkpoint").asText();
        system.promote(earlier);
        for (String replica : replicas) {
            system.awaitServed(replica, earlier);
        }

        await().atMost(RunningSystem.SOON).until(() -> {
            system.judgeOne("bob"); // so that pairs are asked for
            return replicas.stream().allMatch(replica -> answered(replica) > 0);
        });
    }

    @Test
    @Order(3)
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
    @Order(4)
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
