package io.bardstream.feedback;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.event.Topics;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;

/** What an earlier life of the service left: a generation on the topic, read and acknowledged; the database is lost. */
public final class EarlierLife implements QuarkusTestResourceLifecycleManager {
    static final String GENERATION = "generation-of-an-earlier-life";

    @Override
    public Map<String, String> start() {
        Map<String, String> config = new EmbeddedServices().start();
        String bootstrapServers = config.get("kafka.bootstrap.servers");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            createTopic(admin);
            new Broker(bootstrapServers)
                    .publish(Topics.GENERATIONS, GENERATION, Given.generation(GENERATION, "of old"));
            acknowledgeAll(admin);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the earlier life could not be made", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        dropSchema(config);
        return config;
    }

    @Override
    public void stop() {}

    private static void createTopic(Admin admin) throws ExecutionException, InterruptedException {
        try {
            admin.createTopics(List.of(
                            new NewTopic(Topics.GENERATIONS.name(), Topics.GENERATIONS.partitions(), (short) 1)))
                    .all()
                    .get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
    }

    private static void acknowledgeAll(Admin admin) throws ExecutionException, InterruptedException {
        Map<TopicPartition, OffsetSpec> ends = IntStream.range(0, Topics.GENERATIONS.partitions())
                .mapToObj(partition -> new TopicPartition(Topics.GENERATIONS.name(), partition))
                .collect(Collectors.toMap(partition -> partition, partition -> OffsetSpec.latest()));
        Map<TopicPartition, OffsetAndMetadata> acknowledged = admin.listOffsets(ends).all().get().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        end -> new OffsetAndMetadata(end.getValue().offset())));
        admin.alterConsumerGroupOffsets("feedback-service-generations", acknowledged)
                .all()
                .get();
    }

    private static void dropSchema(Map<String, String> config) {
        try (Connection database = DriverManager.getConnection(
                        config.get("quarkus.datasource.jdbc.url"),
                        config.get("quarkus.datasource.username"),
                        config.get("quarkus.datasource.password"));
                Statement statement = database.createStatement()) {
            statement.execute("drop schema if exists feedback cascade");
        } catch (SQLException e) {
            throw new IllegalStateException("the schema could not be dropped", e);
        }
    }
}
