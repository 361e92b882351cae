package io.bardstream.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A GPT-2 in a Hugging Face folder that somebody else wrote: of any size, its weights in one safetensors file or in shards
 * with an index, with or without the prefix {@code transformer.}, with or without a stored head, of any floating-point type.
 *
 * <p>Nothing in it is trusted. Only plain files inside the folder are opened, texts up to a size, tensors by {@link
 * SafeTensors}; no pickle is ever read. Opening checks names, shapes and types of all tensors; {@link #writeWeights} checks
 * their numbers. What does not hold is an {@link IllegalArgumentException} or a {@link SafeTensorsException} that names it.
 */
public final class HuggingFaceFolder implements AutoCloseable {
    private static final String INDEX = "model.safetensors.index.json";
    private static final Pattern SHARD = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*\\.safetensors");
    private static final int LARGEST_TEXT = 1 << 24;
    private static final int MOST_SHARDS = 1_000;
    private static final int MOST_PADDING = 127; // rows; trainers round up to 64 or 128
    private static final int PIECE = 1 << 20; // floats

    private final Path folder;
    private final ModelConfig config;
    private final SortedMap<String, Path> used = new TreeMap<>();
    private final Map<String, SafeTensors> shards = new LinkedHashMap<>();
    private final Map<String, SafeTensors> fileOf = new LinkedHashMap<>(); // by the name a tensor has there
    private final Map<String, String> stored; // canonical name to the name it has there

    private HuggingFaceFolder(Path folder) throws IOException {
        this.folder = folder;
        try {
            this.config = ModelConfig.fromJson(text(HuggingFaceFormat.CONFIG)
                    .orElseThrow(
                            () -> new IllegalArgumentException("%s has no %s: expected is a Hugging Face model folder"
                                    .formatted(folder, HuggingFaceFormat.CONFIG))));
            Optional<String> index = text(INDEX);
            if (index.isPresent()) {
                openShards(index.get());
            } else {
                openSingleFile();
            }
            Map<String, TensorInfo> tensors = new LinkedHashMap<>();
            fileOf.forEach((name, file) -> tensors.put(name, file.info(name)));
            this.stored = HuggingFaceFormat.locate(tensors, config);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Opens a folder and checks everything but the numbers. */
    public static HuggingFaceFolder open(Path folder) throws IOException {
        return new HuggingFaceFolder(folder.toRealPath());
    }

    public ModelConfig config() {
        return config;
    }

    /** The tokenizer beside the weights: of {@code tokenizer.json}, or else of {@code vocab.json} and {@code merges.txt}. */
    public Optional<BpeTokenizer> tokenizer() throws IOException {
        Optional<String> json = text(HuggingFaceFormat.TOKENIZER);
        if (json.isPresent()) {
            return json.map(BpeTokenizer::fromJson);
        }
        Optional<String> vocabulary = text(HuggingFaceFormat.VOCABULARY);
        Optional<String> merges = text(HuggingFaceFormat.MERGES);
        if (vocabulary.isPresent() && merges.isPresent()) {
            return Optional.of(BpeTokenizer.fromVocabulary(vocabulary.get(), merges.get()));
        }
        return Optional.empty();
    }

    /**
     * The config under which the model is kept: over exactly the tokenizer's ids. Rows of the embedding beyond them, by
     * which trainers round its size up, are padding that no token names.
     *
     * @throws IllegalArgumentException where this cannot be the model's tokenizer
     */
    public ModelConfig over(BpeTokenizer tokenizer) {
        int ids = tokenizer.vocabularySize();
        if (ids > config.vocabularySize() || ids + MOST_PADDING < config.vocabularySize()) {
            throw new IllegalArgumentException(
                    "the tokenizer has %,d ids, %s has vocab_size %,d (padding of up to %d counts as none)"
                            .formatted(ids, HuggingFaceFormat.CONFIG, config.vocabularySize(), MOST_PADDING));
        }
        OptionalInt end = tokenizer.specialToken(SpecialTokens.END_OF_TEXT);
        OptionalInt pad = tokenizer.specialToken(SpecialTokens.PAD);
        return new ModelConfig(
                ids,
                config.contextLength(),
                config.width(),
                config.layers(),
                config.heads(),
                end.orElseThrow(() -> new IllegalArgumentException(
                        "the tokenizer has no %s, which ends a text here".formatted(SpecialTokens.END_OF_TEXT))),
                pad.isPresent() ? pad.getAsInt() : null,
                config.dropout());
    }

    /** The sha256 of every file that was read, by name. */
    public SortedMap<String, String> sha256s() throws IOException {
        SortedMap<String, String> sums = new TreeMap<>();
        for (Map.Entry<String, Path> file : used.entrySet()) {
            sums.put(file.getKey(), CheckpointStore.sha256OfFile(file.getValue()));
        }
        return sums;
    }

    /**
     * Writes {@code model.safetensors} as this engine does: float32, canonical names, no head; rows of the embedding beyond
     * the vocabulary of {@code as} are left out.
     *
     * @param as the model's config {@linkplain #over over its tokenizer}
     * @throws IllegalArgumentException naming a tensor whose numbers are not finite, or a head that is not the embedding
     */
    public void writeWeights(Path file, ModelConfig as) throws IOException {
        checkHead();
        SafeTensorsWriter writer = new SafeTensorsWriter();
        HuggingFaceFormat.shapes(as).forEach((name, shape) -> {
            TensorInfo info = TensorInfo.of(name, TensorType.F32, shape);
            writer.add(info, sink -> copy(stored.get(name), info.elements(), sink));
        });
        writer.write(file);
    }

    @Override
    public void close() throws IOException {
        for (SafeTensors shard : shards.values()) {
            shard.close();
        }
    }

    private void openSingleFile() throws IOException {
        Path file = plain(HuggingFaceFormat.WEIGHTS)
                .orElseThrow(() -> new IllegalArgumentException(
                        "%s has neither %s nor %s: save the model with safe_serialization=True; other formats are not read"
                                .formatted(folder, HuggingFaceFormat.WEIGHTS, INDEX)));
        SafeTensors tensors = shard(HuggingFaceFormat.WEIGHTS, file);
        tensors.names().forEach(name -> fileOf.put(name, tensors));
    }

    /** An index is an object with {@code weight_map}: a tensor's name to the name of the file that has it. */
    private void openShards(String index) throws IOException {
        JsonNode map;
        try {
            map = FolderJson.parse(index).path("weight_map");
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(INDEX + " is not JSON: " + e.getOriginalMessage(), e);
        }
        if (!map.isObject()) {
            throw new IllegalArgumentException(INDEX + " has no object weight_map");
        }
        Map<String, String> shardOf = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            if (!SHARD.matcher(entry.getValue().asText()).matches()) {
                throw new IllegalArgumentException(
                        "%s says that tensor '%s' is in %s, expected is the name of a .safetensors file"
                                .formatted(INDEX, entry.getKey(), entry.getValue()));
            }
            shardOf.put(entry.getKey(), entry.getValue().asText());
        }
        TreeSet<String> names = new TreeSet<>(shardOf.values());
        if (names.size() > MOST_SHARDS) {
            throw new IllegalArgumentException(
                    "%s names %,d files, at most %,d are read".formatted(INDEX, names.size(), MOST_SHARDS));
        }
        for (String name : names) {
            Path file = plain(name)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "%s names %s, which %s does not have".formatted(INDEX, name, folder)));
            shard(name, file);
        }
        for (Map.Entry<String, String> tensor : shardOf.entrySet()) {
            SafeTensors file = shards.get(tensor.getValue());
            if (!file.has(tensor.getKey())) {
                throw new IllegalArgumentException("%s says that tensor '%s' is in %s, which does not have it"
                        .formatted(INDEX, tensor.getKey(), tensor.getValue()));
            }
            fileOf.put(tensor.getKey(), file);
        }
    }

    private SafeTensors shard(String name, Path file) throws IOException {
        SafeTensors tensors = SafeTensors.open(file);
        shards.put(name, tensors);
        return tensors;
    }

    private void checkHead() throws IOException {
        SafeTensors head = fileOf.get(HuggingFaceFormat.HEAD);
        if (head == null) {
            return;
        }
        String embedding = stored.get(HuggingFaceFormat.EMBEDDING);
        SafeTensors body = fileOf.get(embedding);
        long size = body.info(embedding).elements();
        for (long first = 0; first < size; first += PIECE) {
            FloatBuffer ours = floats(body, embedding, first, size);
            FloatBuffer theirs = floats(head, HuggingFaceFormat.HEAD, first, size);
            int differs = ours.mismatch(theirs);
            if (differs >= 0) {
                throw new IllegalArgumentException(
                        "tensor '%s' differs from '%s' in row %,d: a GPT-2 has one matrix for both, and a head of its own is not computed here"
                                .formatted(HuggingFaceFormat.HEAD, embedding, (first + differs) / config.width()));
            }
        }
    }

    private void copy(String name, long size, SafeTensorsWriter.Sink sink) throws IOException {
        for (long first = 0; first < size; first += PIECE) {
            FloatBuffer piece = floats(fileOf.get(name), name, first, size);
            for (int i = 0; i < piece.limit(); i++) {
                if (!Float.isFinite(piece.get(i))) {
                    throw new IllegalArgumentException("tensor '%s' has %s at place %,d; weights are finite numbers"
                            .formatted(name, piece.get(i), first + i));
                }
            }
            sink.write(piece);
        }
    }

    private static FloatBuffer floats(SafeTensors file, String name, long first, long size) throws IOException {
        FloatBuffer piece = FloatBuffer.allocate((int) Math.min(PIECE, size - first));
        file.readFloats(name, first, piece);
        return piece.flip();
    }

    /** A small file's text, which counts as read. */
    private Optional<String> text(String name) throws IOException {
        Optional<Path> file = plain(name);
        if (file.isEmpty()) {
            return Optional.empty();
        }
        long bytes = Files.size(file.get());
        if (bytes > LARGEST_TEXT) {
            throw new IllegalArgumentException(
                    "%s has %,d bytes, at most %,d are read".formatted(file.get(), bytes, LARGEST_TEXT));
        }
        try {
            return Optional.of(Files.readString(file.get()));
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(file.get() + " is not text in UTF-8", e);
        }
    }

    /** A file of the folder, which counts as read; a link counts as what it leads to, which must lie in the folder too. */
    private Optional<Path> plain(String name) throws IOException {
        Path file = folder.resolve(name);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.empty();
        }
        if (!Files.exists(file)) {
            throw new IllegalArgumentException(file + " is a symbolic link that leads nowhere");
        }
        Path real = file.toRealPath();
        if (!real.startsWith(folder)) {
            throw new IllegalArgumentException(file
                    + " is a symbolic link out of the folder; copy the folder with what its links lead to (cp -rL)");
        }
        if (!Files.isRegularFile(real) || !Files.isReadable(real)) {
            throw new IllegalArgumentException(file + " is not a plain file that can be read");
        }
        used.put(name, real);
        return Optional.of(real);
    }
}
