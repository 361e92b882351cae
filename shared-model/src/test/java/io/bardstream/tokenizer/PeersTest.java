package io.bardstream.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.domains.Domain;
import net.jqwik.api.domains.DomainContext;
import org.junit.jupiter.api.Test;

/** The same ids as jtokkit and as Hugging Face's tokenizers, which loads our {@code tokenizer.json}. */
@Domain(Texts.class)
@Domain(DomainContext.Global.class)
class PeersTest {

    private static final BpeTokenizer GPT2 = BpeTokenizer.gpt2();
    private static final BpeTokenizer OWN = trained();
    private static final Encoding JTOKKIT = Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
    private static final HuggingFaceTokenizer HUGGING_FACE_GPT2 = huggingFace(GPT2);
    private static final HuggingFaceTokenizer HUGGING_FACE_OWN = huggingFace(OWN);

    @Property(tries = 2000)
    void jtokkitGivesTheSameIds(@ForAll String text) {
        assertThat(GPT2.encode(text)).isEqualTo(JTOKKIT.encodeOrdinary(text).toArray());
    }

    @Property(tries = 1000)
    void huggingFaceGivesTheSameIdsByOurFiles(@ForAll String text) {
        // Hugging Face's library always takes special tokens for such.
        assertThat(GPT2.encodeWithSpecials(text)).isEqualTo(ids(HUGGING_FACE_GPT2, text));
        assertThat(OWN.encodeWithSpecials(text)).isEqualTo(ids(HUGGING_FACE_OWN, text));
    }

    @Test
    void huggingFaceReadsTheSpecialTokens() {
        String text = "<|system|>Be kind.<|endofturn|><|user|>Why?<|endofturn|><|assistant|>";

        assertThat(OWN.encodeWithSpecials(text)).isEqualTo(ids(HUGGING_FACE_OWN, text));
        assertThat(HUGGING_FACE_OWN.decode(
                        Arrays.stream(OWN.encodeWithSpecials(text))
                                .asLongStream()
                                .toArray(),
                        false))
                .isEqualTo(text);
    }

    private static int[] ids(HuggingFaceTokenizer tokenizer, String text) {
        return Arrays.stream(tokenizer.encode(text, false, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray();
    }

    private static BpeTokenizer trained() {
        BpeTrainer trainer = new BpeTrainer(600, SpecialTokens.ALL);
        trainer.add(Texts.VERSE);
        return trainer.train(BpeTrainer.ProgressListener.NONE);
    }

    private static HuggingFaceTokenizer huggingFace(BpeTokenizer tokenizer) {
        try {
            return HuggingFaceTokenizer.newInstance(
                    new ByteArrayInputStream(tokenizer.toJson().getBytes(StandardCharsets.UTF_8)),
                    Map.of("addSpecialTokens", "false", "truncation", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
