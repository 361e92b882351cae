package io.bardstream.feedback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Preference;
import io.bardstream.event.Topics;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is put into the outbox stands on its topic, in order. */
@QuarkusTest
@Tag("containers")
@QuarkusTestResource(EmbeddedServices.class)
class OutboxTest {
    @ConfigProperty(name = "kafka.bootstrap.servers")
    String bootstrapServers;

    @Inject
    Outbox outbox;

    @Test
    void whatIsPutInIsPublishedInOrderAndOnce() {
        // Given
        Broker broker = new Broker(bootstrapServers);
        String vote = "vote-" + UUID.randomUUID();
        List<Preference> preferences =
                List.of(Given.preference(vote + "-1"), Given.preference(vote + "-2"), Given.preference(vote + "-3"));
        GenerationRequest request = Given.generationRequest("request-" + vote);

        // When
        QuarkusTransaction.requiringNew().run(() -> {
            preferences.forEach(preference -> OutboxRecord.of(preference).persist());
            OutboxRecord.of(request).persist();
        });
        outbox.wake();
        outbox.wake();

        // Then
        Given.published();
        assertThat(broker.read(Topics.PREFERENCES))
                .filteredOn(preference -> preference.id().startsWith(vote))
                .containsExactlyElementsOf(preferences);
        assertThat(broker.read(Topics.GENERATION_REQUESTS)).contains(request);
        ConsumerRecord<String, byte[]> record = broker.records(Topics.PREFERENCES.name()).stream()
                .filter(candidate -> candidate.key().equals(vote + "-1"))
                .findFirst()
                .orElseThrow();
        assertThat(new String(record.headers().lastHeader("ce_type").value(), StandardCharsets.UTF_8))
                .isEqualTo("io.bardstream.preferences");
    }

    @Test
    void whatNobodyAnnouncedIsPublishedAllTheSame() {
        // Given: committed, and then the process that would have announced it was gone
        Broker broker = new Broker(bootstrapServers);
        Preference preference = Given.preference("vote-" + UUID.randomUUID());

        // When
        QuarkusTransaction.requiringNew().run(() -> OutboxRecord.of(preference).persist());

        // Then
        await().atMost(Duration.ofMinutes(2))
                .untilAsserted(() -> assertThat(broker.read(Topics.PREFERENCES)).contains(preference));
    }
}
