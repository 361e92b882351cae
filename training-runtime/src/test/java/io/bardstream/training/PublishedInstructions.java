package io.bardstream.training;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Range;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Ids;
import io.bardstream.event.TokenBlock;
import io.bardstream.event.TokenizerPublished;
import io.bardstream.event.Topics;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.ChatFormat;
import io.bardstream.tokenizer.ChatFormat.Message;
import io.bardstream.tokenizer.ChatFormat.Rendered;
import io.bardstream.tokenizer.ChatFormat.Role;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Questions and answers on the topics, as tokenizer-service puts them there, in the vocabulary of a published text. For tests. */
public final class PublishedInstructions {
    /** A question and its answer. */
    public record Pair(String question, String answer) {
        List<Message> conversation() {
            return List.of(new Message(Role.USER, question), new Message(Role.ASSISTANT, answer));
        }
    }

    private final PublishedCorpus corpus;
    private final String id = Ids.of("dataset", UUID.randomUUID());
    private final BpeTokenizer bpe;
    private final TokenizerPublished tokenizer;

    /** In the corpus's own vocabulary, or in the chat form of it where it lacks tokens for turns. */
    public PublishedInstructions(PublishedCorpus corpus) {
        this.corpus = corpus;
        this.bpe = corpus.bpe().withChatTokens();
        this.tokenizer = bpe == corpus.bpe()
                ? corpus.tokenizer()
                : new TokenizerPublished(
                        "tokenizer-" + id,
                        "chat",
                        corpus.bpe().sha256(),
                        bpe.vocabularySize(),
                        bpe.specialTokens(),
                        bpe.sha256(),
                        bpe.toJson(),
                        Instant.now());
    }

    public BpeTokenizer bpe() {
        return bpe;
    }

    /** Sends everything: blocks, tokenizer, manifest. */
    public Dataset publish(List<Pair> train, List<Pair> validation) {
        return publish(DatasetKind.INSTRUCT, train, validation);
    }

    /** The same of another kind: labelled texts are pairs of a text and its label. */
    public Dataset publish(DatasetKind kind, List<Pair> train, List<Pair> validation) {
        Dataset dataset = new Dataset(
                id,
                kind,
                Ids.sha256(id.getBytes(StandardCharsets.UTF_8)),
                tokenizer.id(),
                tokenizer.sha256(),
                bpe.vocabularySize(),
                List.of(split(Split.TRAIN, train), split(Split.VALIDATION, validation)),
                Instant.now());
        corpus.send(Topics.TOKENIZERS.name(), tokenizer.id(), tokenizer);
        corpus.send(Topics.DATASETS.name(), dataset.id(), dataset);
        return dataset;
    }

    /** Two blocks, sent in the wrong order. */
    private Split split(String name, List<Pair> pairs) {
        ChatFormat format = ChatFormat.of(bpe).orElseThrow();
        List<Rendered> all =
                pairs.stream().map(pair -> format.render(pair.conversation())).toList();
        int half = all.size() / 2;
        RecordMetadata first = corpus.send(block(name, 1, all.subList(half, all.size())));
        RecordMetadata last = half == 0 ? first : corpus.send(block(name, 0, all.subList(0, half)));
        var ids = Ids.sha256();
        var outline = Ids.sha256();
        int tokens = 0;
        int trained = 0;
        for (Rendered one : all) {
            int length = one.tokens().length;
            tokens += length;
            trained += one.trained().cardinality();
            ByteBuffer buffer = ByteBuffer.allocate(2 * length).order(ByteOrder.LITTLE_ENDIAN);
            Arrays.stream(one.tokens()).forEach(token -> buffer.putShort((short) token));
            ids.update(buffer.array());
            outline.update(ByteBuffer.allocate(4 + (length + 7) / 8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(length)
                    .put(one.trained().toByteArray())
                    .array());
        }
        return new Split(
                name,
                tokens,
                pairs.stream().mapToLong(pair -> pair.answer().length()).sum(),
                2,
                HexFormat.of().formatHex(ids.digest()),
                List.of(new Range(first.topic(), first.partition(), first.offset(), last.offset() + 1)),
                new Dataset.Conversations(
                        all.size(),
                        trained,
                        all.stream().mapToInt(one -> one.tokens().length).max().orElseThrow(),
                        HexFormat.of().formatHex(outline.digest())));
    }

    private TokenBlock block(String split, int number, List<Rendered> conversations) {
        int[] starts = new int[conversations.size()];
        int[] tokens = new int[0];
        BitSet mask = new BitSet();
        for (int i = 0; i < starts.length; i++) {
            Rendered one = conversations.get(i);
            starts[i] = tokens.length;
            int from = tokens.length;
            tokens = Arrays.copyOf(tokens, from + one.tokens().length);
            System.arraycopy(one.tokens(), 0, tokens, from, one.tokens().length);
            one.trained().stream().forEach(at -> mask.set(from + at));
        }
        return new TokenBlock(id, split, number, tokenizer.sha256(), false, tokens, starts, mask);
    }
}
