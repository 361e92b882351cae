package io.bardstream.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.equalTo;

import io.bardstream.embedded.Broker;
import io.bardstream.event.EventJson;
import io.bardstream.event.Promotion;
import io.bardstream.event.Topics;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.time.Duration;
import java.util.List;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;

/** A service that starts with an empty database and topics that were written before. */
@QuarkusTest
@QuarkusTestResource(value = EarlierLife.class, restrictToAnnotatedClass = true)
class RestartTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Test
    void whatWasPromotedBeforeIsNotPromotedAgainAndTheNextBuildsOnIt() {
        // Given
        Broker broker = new Broker(bootstrapServers);
        await().atMost(Duration.ofMinutes(2)).until(() -> RestAssured.get("/v1/promotions")
                .jsonPath()
                .getList("data.checkpoint", String.class)
                .contains("earlier.c2"));

        // When
        broker.publish(Topics.CHECKPOINTS, "earlier.c3", Given.checkpoint("earlier.c3", EarlierLife.DATASET, 300, 2.5));

        // Then
        await().atMost(Duration.ofMinutes(2)).until(() -> earlier(broker).size() >= 2);
        assertThat(earlier(broker)).extracting(Promotion::checkpoint).containsExactly("earlier.c2", "earlier.c3");
        assertThat(earlier(broker).get(1).previous()).isEqualTo("earlier.c2");
    }

    @Test
    void whatWasDecidedBeforeIsStillTold() {
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> RestAssured.get("/v1/promotion-decisions/" + EarlierLife.REJECTED.candidate())
                        .then()
                        .statusCode(200)
                        .body("outcome", equalTo("reject"))
                        .body("reason", equalTo(EarlierLife.REJECTED.reason())));
    }

    private static List<Promotion> earlier(Broker broker) {
        return broker.records(Topics.PROMOTIONS.name()).stream()
                .filter(record -> record.key().equals("bardstream"))
                .map(record -> EventJson.read(record.value(), Promotion.class))
                .filter(promotion -> promotion.checkpoint().startsWith("earlier."))
                .toList();
    }
}
