package io.bardstream.inference;

import io.bardstream.event.Checkpoint;
import io.bardstream.event.Promotion;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Hears which checkpoints exist and which is promoted, from the beginning of both topics at every start. */
@ApplicationScoped
public class Announcements {
    private final Models models;

    Announcements(Models models) {
        this.models = models;
    }

    @Incoming("checkpoints-in")
    void checkpoint(ConsumerRecord<String, Checkpoint> announcement) {
        models.announce(announcement.key(), announcement.value());
    }

    @Incoming("promotions-in")
    void promotion(Promotion promotion) {
        models.promote(promotion);
    }
}
