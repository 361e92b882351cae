package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bardstream.gpt.GptConfig;
import io.bardstream.gpt.GptInJava;
import io.bardstream.tokenizer.BpeTokenizer;
import io.bardstream.tokenizer.BpeTrainer;
import io.bardstream.tokenizer.SpecialTokens;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Folders as others write them: each form gives the same canonical weights, and each lie is refused by name. */
class HuggingFaceFolderTest {
    private static final BpeTokenizer TOKENIZER = tokenizer();
    private static final GptConfig SHAPE = new GptConfig(2, 2, 8, 12, TOKENIZER.vocabularySize());

    private final GptInJava model = new GptInJava(SHAPE, 1);

    @TempDir
    Path folder;

    @TempDir
    Path out;

    private Map<String, byte[]> expected;

    @BeforeEach
    void aFolderAsTransformersWritesIt() throws IOException {
        model.save(folder);
        Files.writeString(folder.resolve("tokenizer.json"), TOKENIZER.toJson());
        expected = canonical(folder);
    }

    @Test
    void theCanonicalFolderIsItself() throws IOException {
        assertThat(expected).hasSize(28).containsKey("transformer.h.1.attn.c_proj.weight");
        assertThat(Files.readAllBytes(out.resolve("model.safetensors")))
                .isEqualTo(Files.readAllBytes(folder.resolve("model.safetensors")));
    }

    @Test
    void prefixMasksAndHeadMayBeThereOrNot() throws IOException {
        // Given the oldest form on the hub: no prefix, masks, and a stored head
        SafeTensorsWriter writer = tensors("", TensorType.F32);
        writer.add("h.0.attn.bias", new float[144], 1, 1, 12, 12).add("h.1.attn.masked_bias", new float[1]);
        writer.add("lm_head.weight", model.floats("wte.weight"), SHAPE.vocabularySize(), 8);
        replaceWeights(writer);

        assertThat(canonical(folder)).usingRecursiveComparison().isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void halfPrecisionIsReadExactly(TensorType type) throws IOException {
        replaceWeights(tensors("transformer.", type));

        Map<String, byte[]> read = canonical(folder);

        for (Map.Entry<String, long[]> tensor : model.shapes().entrySet()) {
            float[] floats = model.floats(tensor.getKey());
            ByteBuffer values =
                    ByteBuffer.wrap(read.get("transformer." + tensor.getKey())).order(ByteOrder.LITTLE_ENDIAN);
            for (float value : floats) {
                assertThat(values.getFloat()).isEqualTo(rounded(value, type));
            }
        }
    }

    @Test
    void shardsAreOneModel() throws IOException {
        // Given
        SafeTensorsWriter first = new SafeTensorsWriter();
        SafeTensorsWriter second = new SafeTensorsWriter();
        StringBuilder index = new StringBuilder("{\"metadata\":{\"total_size\":1},\"weight_map\":{");
        for (Map.Entry<String, long[]> tensor : model.shapes().entrySet()) {
            boolean early = tensor.getKey().startsWith("h.0");
            (early ? first : second)
                    .add("transformer." + tensor.getKey(), model.floats(tensor.getKey()), tensor.getValue());
            index.append("\"transformer.%s\":\"model-0000%d-of-00002.safetensors\","
                    .formatted(tensor.getKey(), early ? 1 : 2));
        }
        Files.delete(folder.resolve("model.safetensors"));
        first.write(folder.resolve("model-00001-of-00002.safetensors"));
        second.write(folder.resolve("model-00002-of-00002.safetensors"));
        String text = index.deleteCharAt(index.length() - 1).append("}}").toString();
        Path file = Files.writeString(folder.resolve("model.safetensors.index.json"), text);

        // When, then
        assertThat(canonical(folder)).usingRecursiveComparison().isEqualTo(expected);
        try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
            assertThat(opened.sha256s())
                    .containsOnlyKeys(
                            "config.json",
                            "model.safetensors.index.json",
                            "model-00001-of-00002.safetensors",
                            "model-00002-of-00002.safetensors");
        }

        // And an index that lies is refused
        Files.writeString(file, text.replace("model-00001-of", "../model-00001-of"));
        refused("expected is the name of a .safetensors file");
        Files.writeString(file, text.replace("model-00001-of", "model-00003-of"));
        refused("names model-00003-of-00002.safetensors, which");
        Files.writeString(
                file, text.replaceFirst("h.0.ln_1.weight\":\"model-00001", "h.0.ln_1.weight\":\"model-00002"));
        refused("says that tensor 'transformer.h.0.ln_1.weight' is in");
        Files.writeString(file, "{\"weight_map\":[]}");
        refused("has no object weight_map");
    }

    @Test
    void paddingOfTheVocabularyIsLeftOut() throws IOException {
        // Given the model with its embedding rounded up to a multiple of 64, as nanoGPT does
        int rows = (SHAPE.vocabularySize() + 63) / 64 * 64;
        assertThat(rows).isGreaterThan(SHAPE.vocabularySize());
        GptInJava padded = new GptInJava(SHAPE.withVocabularySize(rows), 2);
        Files.delete(folder.resolve("model.safetensors"));
        padded.save(folder);

        Map<String, byte[]> read = canonical(folder);

        assertThat(read.get("transformer.wte.weight")).hasSize(4 * 8 * SHAPE.vocabularySize());
        assertThat(ByteBuffer.wrap(read.get("transformer.wte.weight"))
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .getFloat())
                .isEqualTo(padded.floats("wte.weight")[0]);
    }

    @Test
    void aTokenizerOfAnotherModelIsRefused() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), BpeTokenizer.gpt2().toJson());
        assertThatThrownBy(() -> canonical(folder))
                .hasMessageContaining("50,257 ids")
                .hasMessageContaining("vocab_size %d".formatted(SHAPE.vocabularySize()));
    }

    @Test
    void theTokenizerMayBeGpt2sTwoFilesOrMissing() throws IOException {
        Files.delete(folder.resolve("tokenizer.json"));
        try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
            assertThat(opened.tokenizer()).isEmpty();
        }
        Files.writeString(folder.resolve("vocab.json"), TOKENIZER.vocabJson());
        Files.writeString(folder.resolve("merges.txt"), TOKENIZER.mergesTxt());
        try (HuggingFaceFolder opened = HuggingFaceFolder.open(folder)) {
            assertThat(opened.tokenizer().map(BpeTokenizer::sha256)).hasValue(TOKENIZER.sha256());
            assertThat(opened.sha256s()).containsKeys("vocab.json", "merges.txt");
        }
    }

    @Test
    void aHeadOfItsOwnIsRefused() throws IOException {
        float[] head = model.floats("wte.weight");
        head[8 * 3 + 1] += 1;
        SafeTensorsWriter writer = tensors("transformer.", TensorType.F32);
        writer.add("lm_head.weight", head, SHAPE.vocabularySize(), 8);
        replaceWeights(writer);

        refused("'lm_head.weight' differs from 'transformer.wte.weight' in row 3");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void weightsThatAreNoNumbersAreRefused(float value) throws IOException {
        model.parameter("h.1.mlp.c_fc.bias")[5] = value;
        Files.delete(folder.resolve("model.safetensors"));
        model.save(folder);

        refused("'transformer.h.1.mlp.c_fc.bias' has " + value + " at place 5");
    }

    @Test
    void nothingOutsideTheFolderIsOpened() throws IOException {
        Path elsewhere = Files.move(folder.resolve("model.safetensors"), out.resolve("elsewhere.safetensors"));
        Files.createSymbolicLink(folder.resolve("model.safetensors"), elsewhere);
        refused("symbolic link out of the folder");

        Files.delete(folder.resolve("model.safetensors"));
        Files.createSymbolicLink(folder.resolve("model.safetensors"), folder.resolve("nowhere"));
        refused("leads nowhere");

        Files.delete(folder.resolve("model.safetensors"));
        Files.createDirectory(folder.resolve("model.safetensors"));
        refused("not a plain file");

        Files.delete(folder.resolve("model.safetensors"));
        refused("neither model.safetensors nor model.safetensors.index.json");

        Files.copy(elsewhere, folder.resolve("weights"));
        Files.createSymbolicLink(folder.resolve("model.safetensors"), Path.of("weights"));
        assertThat(canonical(folder)).usingRecursiveComparison().isEqualTo(expected);
    }

    @Test
    void textsThatAreNoneAreRefused() throws IOException {
        Path config = folder.resolve("config.json");
        Files.write(config, new byte[] {'{', (byte) 0xff, '}'});
        refused("not text in UTF-8");
        Files.write(config, new byte[(1 << 24) + 1]);
        refused("at most 16,777,216 are read");
        Files.delete(config);
        refused("has no config.json");
    }

    private void refused(String problem) {
        assertThatThrownBy(() -> canonical(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(problem);
    }

    /** What is taken over of a folder: the bytes of its tensors, by canonical name. */
    private Map<String, byte[]> canonical(Path from) throws IOException {
        Path file = out.resolve("model.safetensors");
        Files.deleteIfExists(file);
        try (HuggingFaceFolder opened = HuggingFaceFolder.open(from)) {
            opened.writeWeights(file, opened.over(opened.tokenizer().orElse(TOKENIZER)));
        }
        Map<String, byte[]> tensors = new HashMap<>();
        try (SafeTensors read = SafeTensors.open(file)) {
            for (String name : read.names()) {
                ByteBuffer data = read.data(name);
                byte[] bytes = new byte[data.remaining()];
                data.get(bytes);
                tensors.put(name, bytes);
            }
        }
        return tensors;
    }

    private void replaceWeights(SafeTensorsWriter writer) throws IOException {
        Files.delete(folder.resolve("model.safetensors"));
        writer.write(folder.resolve("model.safetensors"));
    }

    private SafeTensorsWriter tensors(String prefix, TensorType type) {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        new LinkedHashMap<>(model.shapes())
                .forEach((name, shape) -> writer.add(TensorInfo.of(prefix + name, type, shape), sink -> {
                    for (float value : model.floats(name)) {
                        sink.write(encoded(value, type));
                    }
                }));
        return writer;
    }

    private static ByteBuffer encoded(float value, TensorType type) {
        ByteBuffer bytes = ByteBuffer.allocate(type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        switch (type) {
            case F32 -> bytes.putFloat(value);
            case BF16 -> bytes.putShort((short) (Float.floatToIntBits(value) >>> 16));
            default -> bytes.putShort(half(value));
        }
        return bytes.flip();
    }

    /** The nearest number towards zero that the type holds. */
    private static float rounded(float value, TensorType type) {
        return type == TensorType.BF16
                ? Float.intBitsToFloat(Float.floatToIntBits(value) & 0xffff0000)
                : Floats.half(half(value));
    }

    /** binary16 towards zero; numbers below 2⁻¹⁴ become zero, which is enough here. */
    private static short half(float value) {
        int bits = Float.floatToIntBits(value);
        int exponent = (bits >>> 23 & 0xff) - 127 + 15;
        return (short) (exponent <= 0 ? 0 : bits >>> 16 & 0x8000 | exponent << 10 | bits >>> 13 & 0x3ff);
    }

    private static BpeTokenizer tokenizer() {
        BpeTrainer trainer = new BpeTrainer(300, SpecialTokens.ALL);
        trainer.add("the quick brown fox jumps over the lazy dog and the lazy dog sleeps over the quick brown fox");
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }
}
