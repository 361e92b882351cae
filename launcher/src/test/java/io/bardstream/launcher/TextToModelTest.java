package io.bardstream.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TextToModelTest {
    @Test
    void aCorpusIsNamedAfterItsFileOrAddress() {
        assertThat(TextToModel.name("/texts/Moby Dick.txt")).isEqualTo("Moby-Dick");
        assertThat(TextToModel.name("https://example.com/a/input.txt?raw=1#top"))
                .isEqualTo("input");
        assertThat(TextToModel.name("https://example.com/")).isEqualTo("corpus");
    }

    @Test
    void aSchemeMakesAnAddress() {
        assertThat(TextToModel.isUrl("https://example.com/a.txt")).isTrue();
        assertThat(TextToModel.isUrl("texts/a.txt")).isFalse();
        assertThat(TextToModel.isUrl("C:/a.txt")).isFalse();
    }
}
