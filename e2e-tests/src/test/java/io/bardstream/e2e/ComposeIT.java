package io.bardstream.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.embedded.RequiresDocker;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The unmodified {@code docker-compose.yml}, from empty volumes: text becomes a served model, and a person's votes on what
 * it writes become a reward model and a policy that serves. The containers' log stays in {@code target/compose.log}.
 */
@RequiresDocker({"apache/kafka:4.2.1", "postgres:17", "eclipse-temurin:21-jre"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(OrderAnnotation.class)
class ComposeIT {
    private ComposedSystem system;

    @BeforeAll
    void up() throws IOException, InterruptedException {
        system = new ComposedSystem(new Compose(), Path.of("target", "compose.log"));
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

    /** So many votes for the shorter text that a reward model passes its gate, and PPO follows by itself. */
    @Test
    @Order(2)
    void votesBecomeARewardModelAndAPolicyThatServes() {
        system.awaitSucceeded("sft");
        await().atMost(RunningSystem.SOON).until(() -> {
            system.judgeOne("ann");
            return system.run("ppo").isPresent();
        });

        String candidate = system.awaitSucceeded("ppo").at("/checkpoint").asText();
        assertThat(candidate).startsWith("ppo-");
        system.promote(candidate);

        system.awaitServed(system.address(Service.INFERENCE), candidate);
    }
}
