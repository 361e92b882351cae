package io.bardstream.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ServerSentEventsTest {
    @Test
    void anEventIsOneDataLineAndABlankOne() {
        assertThat(frame("{\"a\":1}")).isEqualTo("data: {\"a\":1}\n\n");
        assertThat(frame(ServerSentEvents.DONE)).isEqualTo("data: [DONE]\n\n");
    }

    @Test
    void lineBreaksSurviveAsTheReaderJoinsThem() {
        assertThat(frame("a\nb\r\nc\rd")).isEqualTo("data: a\ndata: b\ndata: c\ndata: d\n\n");
    }

    @Test
    void anyTextsComeBackFromTheStreamTheyWentInto() {
        Random random = new Random(1);
        String letters = "ab:{} \n\u2028é🎭";
        List<String> texts = new ArrayList<>();
        StringBuilder stream = new StringBuilder();
        for (int i = 0; i < 500; i++) {
            String text = random.ints(random.nextInt(12), 0, letters.codePointCount(0, letters.length()))
                    .mapToObj(n -> Character.toString(letters.codePointAt(letters.offsetByCodePoints(0, n))))
                    .reduce("", String::concat);
            texts.add(text);
            stream.append(frame(text));
        }

        assertThat(parse(stream.toString())).isEqualTo(texts);
    }

    /** Event streams as the HTML standard reads them (9.2.6), data fields only. */
    private static List<String> parse(String stream) {
        List<String> events = new ArrayList<>();
        StringBuilder data = new StringBuilder();
        for (String line : stream.split("\n", -1)) {
            if (line.isEmpty() && data.length() > 0) {
                events.add(data.substring(0, data.length() - 1));
                data.setLength(0);
            } else if (line.startsWith("data:")) {
                data.append(line.startsWith("data: ") ? line.substring(6) : line.substring(5))
                        .append('\n');
            }
        }
        return events;
    }

    private static String frame(String data) {
        return new String(ServerSentEvents.data(data), StandardCharsets.UTF_8);
    }
}
