package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.Dataset.Split;
import io.bardstream.event.DatasetKind;
import io.bardstream.event.Ids;
import io.bardstream.event.InvalidFieldException;
import io.bardstream.event.TokenBlock;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.TokenStream;
import java.io.IOException;
import java.io.Reader;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Makes the token blocks of one dataset out of a text: cuts it in two by position, encodes each part by itself and sends it
 * block by block. Holds one block at a time, so memory does not grow with the text.
 */
final class TextEmission implements Emission {
    /** Inputs and their targets are neighbours: a split of fewer tokens holds nothing to train or to judge on. */
    static final int FEWEST_TOKENS = 2;

    private final String dataset;
    private final Corpus corpus;
    private final String tokenizerId;
    private final BpeTokenizer tokenizer;
    private final double validationFraction;

    TextEmission(String dataset, Corpus corpus, String tokenizerId, BpeTokenizer tokenizer, double validationFraction) {
        this.dataset = dataset;
        this.corpus = corpus;
        this.tokenizerId = tokenizerId;
        this.tokenizer = tokenizer;
        this.validationFraction = validationFraction;
    }

    @Override
    public Dataset emit(CorpusFiles files, TokenBatches batches, Listener listener)
            throws IOException, InterruptedException {
        try (Reader text = files.open(corpus)) {
            return emit(text, batches, listener);
        }
    }

    /** The same of the corpus's text from its start. */
    Dataset emit(Reader text, TokenBatches batches, Listener listener) throws IOException, InterruptedException {
        long training = SplitReader.trainingCharacters(corpus.characters, validationFraction);
        List<Split> splits = new ArrayList<>();
        splits.add(emit(Split.TRAIN, new SplitReader(text, training), 0, batches, listener));
        long before = splits.get(0).bytes();
        splits.add(emit(Split.VALIDATION, new SplitReader(text, Long.MAX_VALUE), before, batches, listener));
        long bytes = before + splits.get(1).bytes();
        if (bytes != corpus.bytes) {
            throw new InvalidFieldException(
                    "corpus",
                    "its file has " + bytes + " bytes, not the " + corpus.bytes
                            + " that were taken in; send the text again");
        }
        return new Dataset(
                dataset,
                DatasetKind.PRETRAIN,
                corpus.sha256,
                tokenizerId,
                tokenizer.sha256(),
                tokenizer.vocabularySize(),
                splits,
                Instant.now().truncatedTo(ChronoUnit.MILLIS));
    }

    private Split emit(String name, SplitReader text, long bytesBefore, TokenBatches batches, Listener listener)
            throws IOException, InterruptedException {
        boolean wide = tokenizer.vocabularySize() > TokenBlock.NARROW_VOCABULARY;
        int width = wide ? Integer.BYTES : Short.BYTES;
        MessageDigest digest = Ids.sha256();
        TokenStream stream = tokenizer.stream(text);
        int[] tokens = new int[TokenBlock.MAX_TOKENS];
        long total = 0;
        long blocks = 0;
        for (int count; (count = stream.read(tokens)) > 0; blocks++) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the service is stopping");
            }
            TokenBlock block = new TokenBlock(
                    dataset,
                    name,
                    blocks,
                    tokenizer.sha256(),
                    wide,
                    Arrays.copyOf(tokens, count),
                    documentStarts(name, blocks),
                    null);
            byte[] value = block.value();
            digest.update(value, 0, count * width); // a block opens with its ids
            batches.send(block, value);
            total += count;
            listener.sent((double) (bytesBefore + text.bytes()) / corpus.bytes, count);
        }
        requireEnough(name, total);
        return new Split(
                name, total, text.bytes(), blocks, HexFormat.of().formatHex(digest.digest()), batches.acknowledged());
    }

    static void requireEnough(String split, long tokens) {
        if (tokens < FEWEST_TOKENS) {
            throw new InvalidFieldException(
                    "corpus",
                    "is too small: its " + split + " split has " + tokens + " tokens, at least " + FEWEST_TOKENS
                            + " are needed");
        }
    }

    /** A corpus is one document; validation begins in its middle. */
    private static int[] documentStarts(String split, long block) {
        return split.equals(Split.TRAIN) && block == 0 ? new int[] {0} : new int[0];
    }
}
