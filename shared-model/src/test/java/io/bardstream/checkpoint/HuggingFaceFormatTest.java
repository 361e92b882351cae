package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HuggingFaceFormatTest {
    private static final ModelConfig SMALL = ModelConfig.of(10, 6, 4, 2, 2, 9, null);

    @TempDir
    Path folder;

    @Test
    void gpt2sOwnShapesHaveGpt2sCountOfParameters() {
        ModelConfig gpt2 = ModelConfig.of(50_257, 1024, 768, 12, 12, 50_256, null);
        long parameters = HuggingFaceFormat.shapes(gpt2).values().stream()
                .mapToLong(shape -> TensorInfo.of("", TensorType.F32, shape).elements())
                .sum();
        assertThat(parameters).isEqualTo(124_439_808);
        assertThat(HuggingFaceFormat.shapes(gpt2)).hasSize(148);
    }

    @Test
    void tensorsAreFoundWithAndWithoutPrefixMasksAndHead() throws IOException {
        // Given: the forms in which GPT-2 is really found
        Map<String, long[]> prefixed = HuggingFaceFormat.shapes(SMALL);
        Map<String, long[]> bare = new LinkedHashMap<>();
        prefixed.forEach((name, shape) -> bare.put(name.substring("transformer.".length()), shape));
        bare.put("h.0.attn.bias", new long[] {1, 1, 6, 6});
        bare.put("h.1.attn.masked_bias", new long[0]);
        Map<String, long[]> withHead = new LinkedHashMap<>(prefixed);
        withHead.put("lm_head.weight", new long[] {10, 4});
        withHead.put("transformer.h.1.attn.bias", new long[] {1, 1, 6, 6});

        // When, then
        assertThat(locate(prefixed)).hasSize(28).containsEntry("transformer.wte.weight", "transformer.wte.weight");
        assertThat(locate(bare)).hasSize(28).containsEntry("transformer.wte.weight", "wte.weight");
        assertThat(locate(withHead)).hasSize(28).doesNotContainKey("lm_head.weight");
    }

    @Test
    void whatIsMissingMisshapenOrForeignIsRefusedByName() {
        Map<String, long[]> missing = new LinkedHashMap<>(HuggingFaceFormat.shapes(SMALL));
        missing.remove("transformer.h.1.mlp.c_fc.bias");
        Map<String, long[]> transposed = new LinkedHashMap<>(HuggingFaceFormat.shapes(SMALL));
        transposed.put("transformer.h.0.attn.c_attn.weight", new long[] {12, 4});
        Map<String, long[]> foreign = new LinkedHashMap<>(HuggingFaceFormat.shapes(SMALL));
        foreign.put("transformer.h.2.ln_1.bias", new long[] {4});
        Map<String, long[]> head = new LinkedHashMap<>(HuggingFaceFormat.shapes(SMALL));
        head.put("lm_head.weight", new long[] {11, 4});

        assertThatThrownBy(() -> locate(missing)).hasMessageContaining("no tensor 'transformer.h.1.mlp.c_fc.bias'");
        assertThatThrownBy(() -> locate(transposed))
                .hasMessageContaining("[12, 4]")
                .hasMessageContaining("[4, 12]");
        assertThatThrownBy(() -> locate(foreign)).hasMessageContaining("'transformer.h.2.ln_1.bias'");
        assertThatThrownBy(() -> locate(head)).hasMessageContaining("lm_head.weight");
    }

    @Test
    void weightsThatAreNoFloatsAreRefused() throws IOException {
        // Given
        SafeTensorsWriter writer = new SafeTensorsWriter();
        HuggingFaceFormat.shapes(SMALL).forEach((name, shape) -> {
            TensorInfo info = TensorInfo.of(name, TensorType.I8, shape);
            writer.add(info, sink -> sink.write(ByteBuffer.allocate((int) info.bytes())));
        });
        Path file = folder.resolve("int8.safetensors");
        writer.write(file);

        // When, then
        try (SafeTensors read = SafeTensors.open(file)) {
            assertThatThrownBy(() -> HuggingFaceFormat.locate(read, SMALL)).hasMessageContaining("is I8");
        }
    }

    @Test
    void theDescriptionIsAHuggingFaceFolder() throws IOException {
        // When
        HuggingFaceFormat.writeDescription(
                folder,
                SMALL,
                new HuggingFaceFormat.TokenizerFiles("{\"t\":1}", "{\"v\":1}", "merges", "{\"c\":1}", 8));

        // Then
        assertThat(HuggingFaceFormat.readConfig(folder)).isEqualTo(SMALL);
        assertThat(folder.resolve("tokenizer.json")).hasContent("{\"t\":1}");
        assertThat(folder.resolve("vocab.json")).hasContent("{\"v\":1}");
        assertThat(folder.resolve("merges.txt")).hasContent("merges");
        assertThat(folder.resolve("tokenizer_config.json")).hasContent("{\"c\":1}");
        assertThat(folder.resolve("generation_config.json"))
                .content()
                .contains("\"eos_token_id\" : [\n    9,\n    8\n  ]");
    }

    @Test
    void aFolderWithoutConfigSaysWhatWasExpected() {
        assertThatThrownBy(() -> HuggingFaceFormat.readConfig(folder))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("config.json")
                .hasMessageContaining("Hugging Face model folder");
    }

    private Map<String, String> locate(Map<String, long[]> shapes) throws IOException {
        SafeTensorsWriter writer = new SafeTensorsWriter();
        shapes.forEach((name, shape) -> {
            TensorInfo info = TensorInfo.of(name, TensorType.F32, shape);
            writer.add(info, sink -> sink.write(new float[(int) info.elements()]));
        });
        Path file = Files.createTempDirectory(folder, "m").resolve("model.safetensors");
        writer.write(file);
        try (SafeTensors read = SafeTensors.open(file)) {
            return HuggingFaceFormat.locate(read, SMALL);
        }
    }
}
