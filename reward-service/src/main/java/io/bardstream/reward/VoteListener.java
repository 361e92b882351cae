package io.bardstream.reward;

import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** Wakes those who act on votes. Nothing is stored: whoever wants to know them reads the log. */
@ApplicationScoped
class VoteListener {
    private final RewardStarter starter;
    private final Candidates candidates;

    VoteListener(RewardStarter starter, Candidates candidates) {
        this.starter = starter;
        this.candidates = candidates;
    }

    @Incoming("votes-in")
    void vote(ConsumerRecord<String, byte[]> record) {
        starter.wake();
        candidates.wake();
    }
}
