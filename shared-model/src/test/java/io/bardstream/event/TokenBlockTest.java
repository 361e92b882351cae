package io.bardstream.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class TokenBlockTest {
    private static final String SHA = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";

    private static TokenBlock block(boolean wide, int[] tokens, int[] starts, BitSet mask) {
        return new TokenBlock("dataset-1", "train", 3, SHA, wide, tokens, starts, mask);
    }

    @Test
    void layoutIsWhatTheManifestPromises() {
        BitSet mask = new BitSet();
        mask.set(1);
        TokenBlock block = block(false, new int[] {1, 258, 65535}, new int[] {0, 2}, mask);

        assertThat(block.value()).containsExactly(1, 0, 2, 1, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0b010);
    }

    @Property(tries = 300)
    void readsWhatItWrote(
            @ForAll @Size(min = 1, max = 300) int[] ids,
            @ForAll boolean wide,
            @ForAll @IntRange(min = 0, max = 3) int kind) {
        int[] tokens = Arrays.stream(ids)
                .map(id -> wide ? id & Integer.MAX_VALUE : id & 0xffff)
                .toArray();
        int[] starts = kind == 0 ? new int[0] : new int[] {0};
        BitSet mask = kind < 2 ? null : BitSet.valueOf(new long[] {0x5a5a}).get(0, Math.min(tokens.length, 16));
        TokenBlock block = block(wide, tokens, starts, mask);
        byte[] value = block.value();

        TokenBlock read = TokenBlock.read(block.headers(value), value);

        assertThat(read).isEqualTo(block);
        assertThat(read.tokens()).isEqualTo(tokens);
        assertThat(read.documentStarts()).isEqualTo(starts);
        assertThat(read.lossMask()).isEqualTo(mask);
    }

    @Property(tries = 300)
    void aChangedByteIsNoticed(
            @ForAll @IntRange(min = 0, max = 9) int place, @ForAll @IntRange(min = 1, max = 255) int flip) {
        TokenBlock block = block(false, new int[] {5, 6, 7}, new int[] {}, null);
        byte[] value = block.value();
        Map<String, byte[]> headers = block.headers(value);
        value[place] ^= (byte) flip;

        assertThatThrownBy(() -> TokenBlock.read(headers, value)).hasMessageStartingWith("content-sha256:");
    }

    @Test
    void aMissingHeaderIsNamed() {
        TokenBlock block = block(false, new int[] {5}, new int[] {}, null);
        byte[] value = block.value();
        for (String name : block.headers(value).keySet()) {
            Map<String, byte[]> headers = new HashMap<>(block.headers(value));
            headers.remove(name);

            assertThatThrownBy(() -> TokenBlock.read(headers, value)).hasMessage(name + ": is missing");
        }
    }

    @Test
    void aCountThatTheValueCannotHoldAllocatesNothing() {
        byte[] value = {1, 0, 0, 0, 0, 0};
        Map<String, byte[]> headers =
                new HashMap<>(block(false, new int[] {1}, new int[] {}, null).headers(value));
        headers.put("count", "65536".getBytes(StandardCharsets.UTF_8));

        assertThatThrownBy(() -> TokenBlock.read(headers, value))
                .hasMessageStartingWith("count: 65536 tokens do not fit");
    }

    @Test
    void anIdThatDoesNotFitIsRefused() {
        assertThatThrownBy(() -> block(false, new int[] {65536}, new int[] {}, null))
                .hasMessageContaining("id 65536");
        assertThatThrownBy(() -> block(true, new int[] {-1}, new int[] {}, null))
                .hasMessageContaining("id -1");
        assertThatThrownBy(() -> block(true, new int[] {1, 2}, new int[] {1, 1}, null))
                .hasMessageContaining("ascending");
    }
}
