package io.bardstream.feedback;

import static org.awaitility.Awaitility.await;

import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A service that starts with an empty database and a consumer group that has read everything. */
@QuarkusTest
@QuarkusTestResource(value = EarlierLife.class, restrictToAnnotatedClass = true)
class RestartTest {

    @Test
    void aLostDatabaseFillsItselfFromTheTopics() {
        await().atMost(Duration.ofMinutes(2)).until(() -> QuarkusTransaction.requiringNew()
                .call(() -> StoredGeneration.count("id", EarlierLife.GENERATION) == 1));
    }
}
