package io.bardstream.inference;

import io.bardstream.checkpoint.CheckpointFolder;
import io.bardstream.checkpoint.CheckpointStore;
import io.bardstream.checkpoint.HuggingFaceFormat;
import io.bardstream.checkpoint.ModelConfig;
import io.bardstream.event.Checkpoint;
import io.bardstream.event.EventJson;
import io.bardstream.event.Promotion;
import io.bardstream.event.Stage;
import io.bardstream.event.Topics;
import io.bardstream.gpt.Gpt;
import io.bardstream.gpt.GptConfig;
import io.bardstream.kernel.Compute;
import io.bardstream.kernel.Precision;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What trainer and reward-service do for inference: writes real checkpoints, announces them and promotes them. */
final class Announcer implements AutoCloseable {
    /** Long enough that a whole context takes a while. */
    static final int CONTEXT = 2048;

    static final BpeTokenizer TOKENIZER = tokenizer();

    private final Path home;
    private final KafkaProducer<String, byte[]> producer;

    Announcer(Path home, String bootstrapServers) {
        this.home = home;
        this.producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", bootstrapServers, "acks", "all"),
                new StringSerializer(),
                new ByteArraySerializer());
    }

    private static BpeTokenizer tokenizer() {
        BpeTrainer trainer = new BpeTrainer(300, SpecialTokens.ALL);
        trainer.add("ROMEO: But, soft! what light through yonder window breaks? It is the east, and Juliet is the sun. "
                + "café naïve 🎭🎭 but soft, what light");
        return trainer.train((done, total) -> {});
    }

    /** Writes a randomly initialised model and announces it. */
    Checkpoint checkpoint(String id, long seed) throws IOException {
        CheckpointFolder folder = write(id, seed);
        return announce(id, folder.path(), folder.sha256());
    }

    /** Writes a randomly initialised model. */
    CheckpointFolder write(String id, long seed) throws IOException {
        return write(home, id, seed);
    }

    static CheckpointFolder write(Path home, String id, long seed) throws IOException {
        GptConfig config = new GptConfig(2, 2, 32, CONTEXT, TOKENIZER.vocabularySize());
        return new CheckpointStore(home.resolve("checkpoints")).write("run", id, target -> {
            ModelConfig model = ModelConfig.of(
                    config.vocabularySize(),
                    CONTEXT,
                    config.width(),
                    config.layers(),
                    config.heads(),
                    TOKENIZER.endOfText(),
                    null);
            HuggingFaceFormat.writeDescription(target, model, HuggingFaceFormat.TokenizerFiles.of(TOKENIZER));
            try (Compute compute = Compute.open(Precision.FLOAT32, 1);
                    Gpt gpt = Gpt.initialise(config, compute, seed)) {
                gpt.save(target.resolve(HuggingFaceFormat.WEIGHTS));
            }
        });
    }

    /** Writes a randomly initialised model and announces it as one that has only been pretrained on a text. */
    Checkpoint pretrained(String id, long seed) throws IOException {
        CheckpointFolder folder = write(id, seed);
        Checkpoint plain = event(id, folder.path(), folder.sha256());
        Checkpoint checkpoint = new Checkpoint(
                plain.id(),
                plain.model(),
                Stage.PRETRAIN,
                null,
                plain.runId(),
                plain.requestedBy(),
                plain.step(),
                "dataset-of-text",
                plain.tokenizerSha256(),
                plain.path(),
                plain.sha256(),
                plain.metrics(),
                plain.at());
        send(Topics.CHECKPOINTS.name(), id, checkpoint);
        return checkpoint;
    }

    /** Announces a folder, which need not be there. */
    Checkpoint announce(String id, String path, String sha256) {
        Checkpoint checkpoint = event(id, path, sha256);
        send(Topics.CHECKPOINTS.name(), id, checkpoint);
        return checkpoint;
    }

    static Checkpoint event(String id, String path, String sha256) {
        return new Checkpoint(
                id,
                Checkpoint.POLICY,
                Stage.PRETRAIN,
                null,
                "run",
                "test",
                1,
                null,
                TOKENIZER.sha256(),
                path,
                sha256,
                Map.of(Checkpoint.BITS_PER_BYTE, 8.0),
                Instant.now());
    }

    void promote(Checkpoint checkpoint) {
        send(
                Topics.PROMOTIONS.name(),
                Checkpoint.POLICY,
                new Promotion(Checkpoint.POLICY, checkpoint.id(), null, "test", Map.of(), Instant.now()));
    }

    private void send(String topic, String key, Object event) {
        sendBytes(topic, key, EventJson.write(event));
    }

    /** Sends anything at all; null is a tombstone. */
    void sendBytes(String topic, String key, byte[] value) {
        try {
            producer.send(new ProducerRecord<>(topic, key, value)).get();
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        producer.close();
    }
}
