package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.EmbeddedKafka;
import io.bardstream.embedded.FreePort;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service started before its broker. */
@QuarkusTest
@QuarkusTestResource(value = BrokerAbsentTest.NoBroker.class, restrictToAnnotatedClass = true)
@QuarkusTestResource(value = TestHome.class, restrictToAnnotatedClass = true)
class BrokerAbsentTest {
    private static final Duration SOON = Duration.ofMinutes(2);

    @TestHTTPResource
    URI base;

    @ConfigProperty(name = "bardstream.home")
    Path home;

    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    GenerationLog generations;

    @Inject
    MeterRegistry metrics;

    @TempDir
    Path folder;

    @Test
    void itAnswers503UntilTheBrokerComesAndThenServes() throws IOException {
        Api api = new Api(base.toString().replaceAll("/$", ""));

        Api.Answer early = api.complete();
        assertThat(early.status()).isEqualTo(503);
        assertThat(early.response().headers().firstValue("Retry-After")).contains("5");
        assertThat(early.json().at("/error/message").textValue()).startsWith("No model has been promoted yet.");
        assertThat(api.get("/health").status()).isEqualTo(503);
        assertThat(api.get("/v1/models").json().path("data")).isEmpty();

        // No broker takes them: what exceeds the queue is dropped and counted, and adding never waits.
        for (int i = 0; i < 5_000; i++) {
            generations.add(generation(i));
        }
        assertThat(metrics.get("bardstream.inference.generations.dropped")
                        .counter()
                        .count())
                .isBetween(5_000.0 - 1_024 - 512, 5_000.0 - 1_024);

        int port = Integer.parseInt(bootstrapServers.substring(bootstrapServers.indexOf(':') + 1));
        try (EmbeddedKafka kafka = EmbeddedKafka.start(
                        folder.resolve("kafka"), port, FreePort.any(), folder.resolve("kafka.log"));
                Announcer announcer = new Announcer(home, kafka.bootstrapServers())) {
            await().atMost(SOON).until(() -> api.get("/q/health/ready").status() == 200);
            Checkpoint checkpoint = announcer.checkpoint("late-000001", 1);
            announcer.promote(checkpoint);

            await().atMost(SOON).until(() -> api.get("/health").status() == 200);

            assertThat(api.complete().status()).isEqualTo(200);
            await().atMost(SOON)
                    .until(() -> metrics.get("bardstream.inference.generations.published")
                                    .counter()
                                    .count()
                            > 1_024);
        }
    }

    private static Generation generation(int number) {
        return new Generation(
                "cmpl-" + number,
                "cmpl-" + number,
                "prompt",
                GenerationRequest.Format.RAW,
                "text",
                "checkpoint",
                "0".repeat(64),
                "0".repeat(64),
                Map.of(),
                number,
                "stop",
                Instant.EPOCH);
    }

    /** A port at which nobody listens yet. */
    public static class NoBroker implements QuarkusTestResourceLifecycleManager {
        @Override
        public Map<String, String> start() {
            return Map.of("kafka.bootstrap.servers", "127.0.0.1:" + FreePort.any());
        }

        @Override
        public void stop() {}
    }
}
