package io.bardstream.inference;

import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Generation;
import io.bardstream.event.GenerationRequest;
import io.bardstream.event.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two inference-services on one broker and one home: requests are spread over them, promotions reach both. */
class ReplicasIT {
    private static final String ANSWERED = "bardstream_inference_generation_requests_answered_total";

    @TempDir
    Path home;

    private final String kafka = new EmbeddedServices().start().get("kafka.bootstrap.servers");
    private final List<PackagedService> replicas = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        for (String log : List.of("-one", "-other")) {
            replicas.add(PackagedService.start(home, PackagedService.log(this, log), Map.of()));
        }
        replicas.forEach(PackagedService::awaitReady);
    }

    @AfterEach
    void stop() throws Exception {
        for (PackagedService replica : replicas) {
            replica.close();
        }
    }

    @Test
    void requestsAreSpreadAndEveryPromotionReachesBoth() throws Exception {
        try (Announcer announcer = new Announcer(home, kafka)) {
            // Given: both serve what was promoted
            Checkpoint first = announcer.checkpoint("first-000001", 1);
            announcer.promote(first);
            awaitServed(first);

            // When: requests come on every partition, again and again, until both have answered some
            Set<String> asked = new HashSet<>();
            await().atMost(PackagedService.SOON)
                    .pollInterval(Duration.ofSeconds(2))
                    .until(() -> {
                        request(first, asked);
                        return replicas.get(0).counted(ANSWERED) > 0
                                && replicas.get(1).counted(ANSWERED) > 0;
                    });

            // Then: each is answered
            Broker broker = new Broker(kafka);
            await().atMost(PackagedService.SOON).until(() -> broker.read(Topics.GENERATIONS).stream()
                    .map(Generation::requestId)
                    .collect(Collectors.toSet())
                    .containsAll(asked));

            // And the next promotion reaches both, too
            Checkpoint second = announcer.checkpoint("second-000002", 2);
            announcer.promote(second);
            awaitServed(second);
        }
    }

    private void awaitServed(Checkpoint checkpoint) {
        for (PackagedService replica : replicas) {
            Api api = new Api(replica.url());
            await().atMost(PackagedService.SOON).until(() -> checkpoint
                    .id()
                    .equals(api.complete().json().path("system_fingerprint").asText()));
        }
    }

    /** Asks once on every partition, and adds the requests' ids. */
    private void request(Checkpoint checkpoint, Set<String> asked) throws Exception {
        try (KafkaProducer<String, byte[]> producer = new KafkaProducer<>(
                Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka),
                new StringSerializer(),
                new ByteArraySerializer())) {
            for (int partition = 0; partition < Topics.GENERATION_REQUESTS.partitions(); partition++) {
                GenerationRequest request = new GenerationRequest(
                        "request-" + asked.size(),
                        "ROMEO:",
                        GenerationRequest.Format.RAW,
                        List.of(new GenerationRequest.Candidate(checkpoint.id(), Map.of("max_tokens", 8), 1)),
                        Instant.now());
                producer.send(new ProducerRecord<>(
                                Topics.GENERATION_REQUESTS.name(), partition, request.id(), EventJson.write(request)))
                        .get();
                asked.add(request.id());
            }
        }
    }
}
