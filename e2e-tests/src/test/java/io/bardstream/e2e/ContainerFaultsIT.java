package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.RequiresDocker;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One container after the other goes away, by {@code kill -9} or off the network, while somebody votes and a model
 * trains. Runs come to their end, and every vote that was acknowledged stands as it was cast. The containers' log stays
 * in {@code target/compose-faults.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@Tag("acceptance")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerFaultsIT {
    private static final Duration CUT = Duration.ofSeconds(60);
    private static final int VOTES_AFTER = 3;

    private final Map<String, String> acknowledged = new ConcurrentHashMap<>();
    private ComposedSystem system;
    private String dataset;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        system = new ComposedSystem(new Compose(), Path.of("target", "compose-faults.log"));
        system.up();
        system.awaitServed();
        dataset = system.run("pretrain").orElseThrow().at("/dataset").asText();
    }

    @AfterAll
    void down() throws IOException {
        system.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kafka",
                "postgres",
                "tokenizer-service",
                "trainer-service",
                "inference-service",
                "feedback-service",
                "reward-service"
            })
    void aContainerThatIsKilledIsMissedByNobody(String service) throws Exception {
        String run = train();
        try (Voter voter = new Voter(service)) {
            voter.awaitVotes(1);

            system.compose("kill", "--signal", "KILL", service);
            system.compose("up", "--detach", "--no-build", service);

            voter.awaitVotes(VOTES_AFTER);
        }
        awaitEnd(run);
    }

    /** The broker too far for everybody's session timeouts. */
    @ParameterizedTest
    @EnumSource(names = {"TRAINER", "FEEDBACK"})
    void aServiceThatIsCutOffComesBackByItself(Service service) throws Exception {
        String run = train();
        system.cutOff(service, CUT);

        try (Voter voter = new Voter(service.container())) {
            voter.awaitVotes(VOTES_AFTER);
        }
        awaitEnd(run);
    }

    /** Asks for a run that takes about as long as a fault. */
    private String train() {
        return system.post(
                        Service.TRAINER,
                        "/v1/runs",
                        "{\"stage\":\"pretrain\",\"preset\":\"tiny\",\"dataset\":\"" + dataset
                                + "\",\"hyperparameters\":{\"steps\":60,\"checkpoint_interval\":20}}",
                        202)
                .at("/id")
                .asText();
    }

    /** All are ready and a policy is served; the run has succeeded; the votes stand. */
    private void awaitEnd(String run) {
        system.awaitReady();
        system.awaitServed();
        await().atMost(RunningSystem.SOON).pollInterval(Duration.ofSeconds(1)).untilAsserted(() -> assertThat(
                        system.get(Service.TRAINER, "/v1/runs/" + run)
                                .at("/status")
                                .asText())
                .isEqualTo("succeeded"));
        assertThat(system.decided()).containsAllEntriesOf(acknowledged);
    }

    /** Somebody who votes all the time, each vote until it is acknowledged. */
    private final class Voter implements AutoCloseable {
        private final Thread thread;
        private volatile boolean enough;
        private volatile int votes;

        Voter(String name) {
            thread = new Thread(
                    () -> {
                        while (!enough) {
                            Map.Entry<String, String> vote = system.judgeOne(name);
                            acknowledged.put(vote.getKey(), vote.getValue());
                            votes++;
                        }
                    },
                    name);
            thread.start();
        }

        /** So many more than there are now. */
        void awaitVotes(int more) {
            int before = votes;
            await().atMost(RunningSystem.SOON).until(() -> votes >= before + more);
        }

        @Override
        public void close() throws InterruptedException {
            enough = true;
            thread.join(RunningSystem.SOON.toMillis());
            assertThat(thread.isAlive()).isFalse();
        }
    }
}
