package io.bardstream.reward;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Promotion;
import io.bardstream.event.PromotionDecision;
import io.bardstream.event.PromotionDecision.Outcome;
import io.bardstream.event.Topics;
import io.bardstream.event.Topics.Topic;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;

/** What an earlier life of the service left: topics with facts and a promotion, poison among them; the database is lost. */
public final class EarlierLife implements QuarkusTestResourceLifecycleManager {
    static final String DATASET = "dataset-earlier";

    static final PromotionDecision REJECTED = new PromotionDecision(
            "earlier.candidate",
            "earlier.c2",
            Outcome.REJECT,
            "It is 40.0 nats a response from its reference, above 24.",
            Map.of("objective/kl", 40.0),
            Given.NOON);

    private static final List<Topic<?>> TOPICS =
            List.of(Topics.DATASETS, Topics.CHECKPOINTS, Topics.PROMOTIONS, Topics.PROMOTION_DECISIONS);

    @Override
    public Map<String, String> start() {
        Map<String, String> config = new EmbeddedServices().start();
        String bootstrapServers = config.get("kafka.bootstrap.servers");
        admin(bootstrapServers, EarlierLife::createTopics);
        Broker broker = new Broker(bootstrapServers);
        var dataset = Given.dataset(DATASET, Instant.now());
        Checkpoint worse = Given.checkpoint("earlier.c1", DATASET, 100, 3.5);
        Checkpoint better = Given.checkpoint("earlier.c2", DATASET, 200, 3.0);
        Promotion promotion = PromotionRule.due(
                        List.of(worse, better), Map.of(DATASET, dataset), Optional.empty(), Instant.now())
                .orElseThrow();
        broker.publish(Topics.CHECKPOINTS, worse.id(), worse);
        broker.publish(Topics.CHECKPOINTS, better.id(), better);
        broker.publish(Topics.CHECKPOINTS, "poison", "poison".getBytes(StandardCharsets.UTF_8));
        broker.publish(Topics.DATASETS, dataset.id(), dataset);
        broker.publish(Topics.PROMOTIONS, promotion.model(), promotion);
        broker.publish(Topics.PROMOTION_DECISIONS, REJECTED.candidate(), REJECTED);
        admin(bootstrapServers, EarlierLife::acknowledgeAll);
        dropSchema(config);
        return config;
    }

    @Override
    public void stop() {}

    private interface AdminWork {
        void with(Admin admin) throws ExecutionException, InterruptedException;
    }

    private static void admin(String bootstrapServers, AdminWork work) {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            work.with(admin);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the earlier life could not be made", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void createTopics(Admin admin) throws ExecutionException, InterruptedException {
        for (Topic<?> topic : TOPICS) {
            try {
                admin.createTopics(List.of(new NewTopic(topic.name(), topic.partitions(), (short) 1)))
                        .all()
                        .get();
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof TopicExistsException)) {
                    throw e;
                }
            }
        }
    }

    /** The consumer groups, one a channel, have read everything, so the channels bring none of it again. */
    private static void acknowledgeAll(Admin admin) throws ExecutionException, InterruptedException {
        Map<TopicPartition, OffsetSpec> ends = TOPICS.stream()
                .map(topic -> new TopicPartition(topic.name(), 0))
                .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        Map<TopicPartition, OffsetAndMetadata> acknowledged = admin.listOffsets(ends).all().get().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        end -> new OffsetAndMetadata(end.getValue().offset())));
        for (var each : acknowledged.entrySet()) {
            admin.alterConsumerGroupOffsets(
                            "reward-service-" + each.getKey().topic(), Map.of(each.getKey(), each.getValue()))
                    .all()
                    .get();
        }
    }

    private static void dropSchema(Map<String, String> config) {
        try (Connection database = DriverManager.getConnection(
                        config.get("quarkus.datasource.jdbc.url"),
                        config.get("quarkus.datasource.username"),
                        config.get("quarkus.datasource.password"));
                Statement statement = database.createStatement()) {
            statement.execute("drop schema if exists reward cascade");
        } catch (SQLException e) {
            throw new IllegalStateException("the schema could not be dropped", e);
        }
    }
}
