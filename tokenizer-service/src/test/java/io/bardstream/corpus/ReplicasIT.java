package io.bardstream.corpus;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.bardstream.embedded.Broker;
import io.bardstream.embedded.EmbeddedServices;
import io.bardstream.embedded.PackagedService;
import io.bardstream.event.Topics;
import io.restassured.http.ContentType;
import io.restassured.path.json.JsonPath;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two tokenizer-services with one database, one broker and one home share the work. */
class ReplicasIT {
    @TempDir
    Path home;

    private final Broker broker = new Broker(new EmbeddedServices().start().get("kafka.bootstrap.servers"));
    private PackagedService one;
    private PackagedService other;

    @BeforeEach
    void start() throws Exception {
        one = PackagedService.start(home, PackagedService.log(this, "-one"), Map.of());
        other = PackagedService.start(home, PackagedService.log(this, "-other"), Map.of());
        one.awaitReady();
        other.awaitReady();
    }

    @AfterEach
    void stop() throws Exception {
        one.close();
        other.close();
    }

    @Test
    void whatIsAskedOfBothIsDoneOnceAndWhatOneLeavesTheOtherFinishes() throws Exception {
        // Given: a text that takes a while, taken in by both at the same time
        String text = text(3_000_000);
        List<String> corpora = both(service -> upload(service, text));
        assertThat(corpora.get(0)).isEqualTo(corpora.get(1));
        List<String> tokenizers = both(service -> post(
                service,
                "/v1/tokenizers",
                Map.of("name", "words", "kind", "bpe", "corpus", corpora.get(0), "vocab_size", 300)));
        assertThat(tokenizers.get(0)).isEqualTo(tokenizers.get(1));

        // When: both are asked for the same datasets
        List<String> datasets = new ArrayList<>();
        for (double fraction : new double[] {0.1, 0.2, 0.3}) {
            List<String> ids = both(service -> dataset(service, corpora.get(0), tokenizers.get(0), fraction));
            assertThat(ids.get(0)).isEqualTo(ids.get(1));
            datasets.add(ids.get(0));
        }
        datasets.forEach(dataset -> awaitDone(one, dataset));

        // Then: no block was emitted twice, and both know the same manifest
        for (String dataset : datasets) {
            assertThat(blocks(dataset)).doesNotHaveDuplicates().hasSize(blocksOf(manifest(one, dataset)));
            assertThat(manifest(other, dataset).getMap("splits"))
                    .isEqualTo(manifest(one, dataset).getMap("splits"));
        }

        // And when one of them is killed, then the other finishes what it had begun
        String cutShort = dataset(one, corpora.get(0), tokenizers.get(0), 0.4);
        await().atMost(PackagedService.SOON).until(() -> List.of("running", "done")
                .contains(manifest(one, cutShort).getString("status")));
        one.kill();
        JsonPath manifest = awaitDone(other, cutShort);
        assertThat(blocks(cutShort).stream().distinct()).hasSize(blocksOf(manifest));
    }

    /** Words of a made-up language. */
    private static String text(int characters) {
        Random random = new Random(1);
        List<String> words = Stream.generate(() -> random.ints(2 + random.nextInt(6), 'a', 'z' + 1)
                        .mapToObj(Character::toString)
                        .collect(Collectors.joining()))
                .limit(500)
                .toList();
        StringBuilder text = new StringBuilder();
        while (text.length() < characters) {
            text.append(words.get(random.nextInt(words.size()))).append(random.nextInt(12) == 0 ? '\n' : ' ');
        }
        return text.toString();
    }

    /** What a request of a replica is answered with. */
    private interface Asked {
        String of(PackagedService service);
    }

    private List<String> both(Asked asked) {
        var first = CompletableFuture.supplyAsync(() -> asked.of(one));
        var second = CompletableFuture.supplyAsync(() -> asked.of(other));
        return List.of(first.join(), second.join());
    }

    private static String upload(PackagedService service, String text) {
        return given().contentType("text/plain; charset=UTF-8")
                .queryParam("name", "a text")
                .body(text.getBytes(StandardCharsets.UTF_8))
                .post(service.url() + "/v1/corpora")
                .then()
                .extract()
                .path("id");
    }

    private static String dataset(PackagedService service, String corpus, String tokenizer, double fraction) {
        return post(
                service,
                "/v1/datasets",
                Map.of("corpus", corpus, "tokenizer", tokenizer, "kind", "pretrain", "validation_fraction", fraction));
    }

    private static String post(PackagedService service, String path, Map<String, ?> body) {
        return given().contentType(ContentType.JSON)
                .body(body)
                .post(service.url() + path)
                .then()
                .extract()
                .path("id");
    }

    private static JsonPath manifest(PackagedService service, String dataset) {
        return given().get(service.url() + "/v1/datasets/" + dataset).jsonPath();
    }

    private static JsonPath awaitDone(PackagedService service, String dataset) {
        return await().atMost(PackagedService.SOON)
                .until(() -> manifest(service, dataset), manifest -> manifest.getString("status")
                        .equals("done"));
    }

    /** Split and number of every block of a dataset that was ever emitted. */
    private List<String> blocks(String dataset) {
        return broker.records(Topics.TOKEN_BATCHES.name()).stream()
                .filter(record -> dataset.equals(header(record, "dataset")))
                .map(record -> header(record, "split") + " " + header(record, "block"))
                .toList();
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        return new String(record.headers().lastHeader(name).value(), StandardCharsets.UTF_8);
    }

    /** How many blocks the splits of a manifest have, full but the last of each. */
    private static int blocksOf(JsonPath manifest) {
        return Stream.of("train", "validation")
                .mapToInt(split -> (int) Math.ceil(manifest.getLong("splits." + split + ".tokens") / 65_536.0))
                .sum();
    }
}
