package io.bardstream.reward;

import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.Promotion;
import io.bardstream.event.Topics;
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
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/** What an earlier life of the service left: topics with facts and a promotion, poison among them; the database is lost. */
public final class EarlierLife implements QuarkusTestResourceLifecycleManager {
    static final String DATASET = "dataset-earlier";

    @Override
    public Map<String, String> start() {
        Map<String, String> config = new EmbeddedServices().start();
        createTopics(config.get("kafka.bootstrap.servers"));
        Broker broker = new Broker(config.get("kafka.bootstrap.servers"));
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
        dropSchema(config);
        return config;
    }

    @Override
    public void stop() {}

    private static void createTopics(String bootstrapServers) {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            for (var topic : List.of(Topics.DATASETS, Topics.CHECKPOINTS, Topics.PROMOTIONS)) {
                admin.createTopics(List.of(new NewTopic(topic.name(), topic.partitions(), (short) 1)))
                        .all()
                        .get();
            }
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw new IllegalStateException("the topics could not be made", e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
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
