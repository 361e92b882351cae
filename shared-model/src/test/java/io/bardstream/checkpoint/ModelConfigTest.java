package io.bardstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
    private static final ModelConfig TINY = new ModelConfig(1024, 128, 128, 4, 4, 1018, 1019, 0.1);

    @Test
    void whatIsWrittenIsReadBack() {
        assertThat(ModelConfig.fromJson(TINY.toJson())).isEqualTo(TINY);
        ModelConfig gpt2 = ModelConfig.of(50_257, 1024, 768, 12, 12, 50_256, null);
        assertThat(ModelConfig.fromJson(gpt2.toJson())).isEqualTo(gpt2);
    }

    @Test
    void theKeysAreThoseThatTransformersVllmAndLlamaCppAskFor() throws JsonProcessingException {
        // When
        JsonNode json = new ObjectMapper().readTree(TINY.toJson());

        // Then
        assertThat(json.at("/architectures/0").asText()).isEqualTo("GPT2LMHeadModel");
        assertThat(json.path("model_type").asText()).isEqualTo("gpt2");
        assertThat(json.path("activation_function").asText()).isEqualTo("gelu_new");
        assertThat(json.path("n_ctx").asInt()).isEqualTo(128);
        assertThat(json.path("n_positions").asInt()).isEqualTo(128);
        assertThat(json.path("n_embd").asInt()).isEqualTo(128);
        assertThat(json.path("n_layer").asInt()).isEqualTo(4);
        assertThat(json.path("n_head").asInt()).isEqualTo(4);
        assertThat(json.path("vocab_size").asInt()).isEqualTo(1024);
        assertThat(json.path("dtype").asText()).isEqualTo("float32");
        assertThat(json.path("torch_dtype").asText()).isEqualTo("float32");
        assertThat(json.path("tie_word_embeddings").asBoolean()).isTrue();
        assertThat(json.path("bos_token_id").asInt()).isEqualTo(1018);
        assertThat(json.path("eos_token_id").asInt()).isEqualTo(1018);
        assertThat(json.path("pad_token_id").asInt()).isEqualTo(1019);
    }

    /** The config.json of the 124M model as Hugging Face's hub has served it since 2019. */
    @Test
    void openAisOwnConfigIsRead() {
        assertThat(ModelConfig.fromJson("""
                        {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
                         "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02,
                         "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12,
                         "n_layer": 12, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": null,
                         "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}},
                         "vocab_size": 50257}
                        """)).isEqualTo(new ModelConfig(50_257, 1024, 768, 12, 12, 50_256, null, 0.1));
        assertThat(ModelConfig.fromJson("{}")).isEqualTo(new ModelConfig(50_257, 1024, 768, 12, 12, 50_256, null, 0.1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"model_type\":\"llama\"}                        | model_type",
                "{\"activation_function\":\"gelu\"}                | activation_function",
                "{\"scale_attn_weights\":false}                    | scale_attn_weights",
                "{\"scale_attn_by_inverse_layer_idx\":true}        | scale_attn_by_inverse_layer_idx",
                "{\"tie_word_embeddings\":false}                   | tie_word_embeddings",
                "{\"add_cross_attention\":true}                    | add_cross_attention",
                "{\"n_inner\":1000}                                | n_inner",
                "{\"n_embd\":770}                                  | n_head",
                "{\"n_head\":0}                                    | n_head",
                "{\"n_layer\":\"12\"}                              | n_layer",
                "{\"n_layer\":1e99}                                | n_layer",
                "{\"vocab_size\":-1}                               | vocab_size",
                "{\"eos_token_id\":50257}                          | eos_token_id",
                "{\"resid_pdrop\":1.5}                             | resid_pdrop",
                "{\"layer_norm_epsilon\":0}                        | layer_norm_epsilon",
                "{\"layer_norm_epsilon\":1e-12}                    | layer_norm_epsilon",
                "[]                                                | not a JSON object",
                "{                                                 | not JSON"
            })
    void aConfigThatCannotBeComputedIsRefusedByName(String json, String named) {
        assertThatThrownBy(() -> ModelConfig.fromJson(json))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named);
    }
}
