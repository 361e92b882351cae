package io.bardstream.training;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.smallrye.reactive.messaging.kafka.KafkaConsumer;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import org.apache.kafka.clients.consumer.Consumer;
import org.jboss.logging.Logger;

/**
 * Has all consumers ask for nothing more when the service is about to end. A consumer that closes waits for the answer to what it
 * asked last, which the broker holds back for {@code fetch.max.wait.ms} while there is nothing new, and channels are closed one
 * after the other: the waits would add up. So all begin to wait at once, while the training is being saved.
 */
@ApplicationScoped
public class LastFetch {
    private static final Logger LOG = Logger.getLogger(LastFetch.class);

    private final KafkaClientService clients;
    private final Thread atExit = new Thread(this::pause);

    LastFetch(KafkaClientService clients) {
        this.clients = clients;
    }

    void start(@Observes StartupEvent event) {
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    void stop(@Observes ShutdownEvent event) {
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            LOG.debug("The process ends, and the hook has been run");
        }
    }

    private void pause() {
        for (String channel : clients.getConsumerChannels()) {
            pause(clients.getConsumer(channel));
        }
    }

    private static <K, V> void pause(KafkaConsumer<K, V> consumer) {
        consumer.runOnPollingThread((Consumer<K, V> polled) -> {
                    polled.pause(polled.assignment());
                })
                .subscribe()
                .with(paused -> {}, failure -> LOG.debug("A consumer closes before it was paused", failure));
        consumer.unwrap().wakeup(); // ends the poll that the pause stands behind
    }
}
