package io.bardstream.service;

import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.interceptor.Interceptor;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Creates every topic and its dead-letter topic before the channels start; brokers are told to create none by themselves.
 * Whichever service comes first creates them; the others find them there. Where the broker does not answer in time the
 * service starts all the same, and a thread goes on trying.
 */
@ApplicationScoped
public class TopicCreation {
    private static final Logger LOG = Logger.getLogger(TopicCreation.class);
    private static final Duration AT_START = Duration.ofSeconds(10);
    private static final Duration BETWEEN_TRIES = Duration.ofSeconds(2);
    private static final Duration ERASED_AFTER = Duration.ofDays(1); // what a tombstone has removed leaves the disk
    private static final Duration DEAD_LETTERS_KEPT = Duration.ofDays(30);

    private final String bootstrapServers;
    private final short replication;
    private volatile boolean stopping;

    TopicCreation(
            @ConfigProperty(name = "kafka.bootstrap.servers") String bootstrapServers,
            @ConfigProperty(name = "bardstream.topics.replication") short replication) {
        this.bootstrapServers = bootstrapServers;
        this.replication = replication;
    }

    void beforeChannelsStart(@Observes @Priority(Interceptor.Priority.PLATFORM_BEFORE) StartupEvent event) {
        if (!tryToCreate(AT_START)) {
            Thread retry = new Thread(this::createWhenTheBrokerIsThere, "topic-creation");
            retry.setDaemon(true);
            retry.start();
        }
    }

    void stop(@Observes ShutdownEvent event) {
        stopping = true;
    }

    private void createWhenTheBrokerIsThere() {
        try {
            do {
                Thread.sleep(BETWEEN_TRIES.toMillis());
            } while (!stopping && !tryToCreate(AT_START));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean tryToCreate(Duration timeout) {
        Properties settings = new Properties();
        settings.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, (int) timeout.toMillis());
        settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, (int) timeout.toMillis());
        try (Admin admin = Admin.create(settings)) {
            create(admin, replication);
            return true;
        } catch (ExecutionException | TimeoutException e) {
            LOG.warnf("The broker at %s does not answer (%s); topics are created when it does", bootstrapServers, e);
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Creates the topics that do not exist yet. */
    public static void create(Admin admin, short replication)
            throws ExecutionException, InterruptedException, TimeoutException {
        Set<String> present = new HashSet<>(admin.listTopics().names().get(AT_START.toMillis(), TimeUnit.MILLISECONDS));
        List<NewTopic> missing = Topics.ALL.stream()
                .flatMap(topic -> Stream.of(topic(topic, replication), deadLetterTopic(topic, replication)))
                .filter(topic -> !present.contains(topic.name()))
                .toList();
        for (var created : admin.createTopics(missing).values().entrySet()) {
            try {
                created.getValue().get(AT_START.toMillis(), TimeUnit.MILLISECONDS);
                LOG.debugf("Created topic %s", created.getKey());
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        }
    }

    private static NewTopic topic(Topic<?> topic, short replication) {
        Map<String, String> config = new HashMap<>();
        if (topic.kept().compacted()) {
            config.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);
            config.put(TopicConfig.MAX_COMPACTION_LAG_MS_CONFIG, milliseconds(ERASED_AFTER));
        } else {
            config.put(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_DELETE);
            config.put(
                    TopicConfig.RETENTION_MS_CONFIG, milliseconds(topic.kept().time()));
            config.put(TopicConfig.RETENTION_BYTES_CONFIG, "-1");
        }
        config.put(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(topic.maxRecordBytes()));
        return new NewTopic(topic.name(), topic.partitions(), replication).configs(config);
    }

    private static NewTopic deadLetterTopic(Topic<?> topic, short replication) {
        return new NewTopic(topic.deadLetter(), 1, replication)
                .configs(Map.of(
                        TopicConfig.RETENTION_MS_CONFIG, milliseconds(DEAD_LETTERS_KEPT),
                        TopicConfig.MAX_MESSAGE_BYTES_CONFIG, Integer.toString(topic.maxRecordBytes())));
    }

    private static String milliseconds(Duration time) {
        return time == null ? "-1" : Long.toString(time.toMillis());
    }
}
