package io.bardstream.embedded;

import java.util.List;
import org.testcontainers.kafka.KafkaContainer;
import org.testcontainers.lifecycle.Startables;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * A broker and a database from the official images that docker-compose.yml names, started by Testcontainers for one JVM's tests.
 *
 * @param kafka the broker; topics are made by the services alone, as everywhere
 * @param postgres the database
 */
record ContainerServices(KafkaContainer kafka, PostgreSQLContainer postgres) {
    static final String KAFKA_IMAGE = "apache/kafka:4.2.1";
    static final String POSTGRES_IMAGE = "postgres:17";
    static final List<String> IMAGES = List.of(KAFKA_IMAGE, POSTGRES_IMAGE);

    /** Returns when both answer. They end with the JVM. */
    static ContainerServices start() {
        KafkaContainer kafka = new KafkaContainer(KAFKA_IMAGE)
                .withEnv("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
                .withEnv("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0");
        PostgreSQLContainer postgres = new PostgreSQLContainer(POSTGRES_IMAGE);
        Startables.deepStart(kafka, postgres).join();
        return new ContainerServices(kafka, postgres);
    }

    String bootstrapServers() {
        return kafka.getBootstrapServers();
    }
}
