package io.bardstream.feedback;

import static org.assertj.core.api.Assertions.assertThat;

import io.bardstream.event.EventJson;
import io.bardstream.event.GenerationRequest.Format;
import io.bardstream.event.Preference.Choice;
import java.time.Instant;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** A line that goes out and comes in again is the same line, whatever its texts hold, on whichever side they were shown. */
class JudgedTest {
    private static final Instant NOW = Instant.parse("2026-11-01T12:00:00Z");
    private static final int LONGEST = 1_000;

    @Property
    void whatGoesOutComesInAsItWas(@ForAll("judged") Judged judged, @ForAll boolean turned) {
        Object line = judged.choice() == Choice.A ? judged.decided() : judged.undecided();
        byte[] json = EventJson.write(line);

        Judged read = EventJson.read(json, Judged.Line.class).judged(LONGEST, LONGEST, NOW);
        Comparison comparison = (turned ? turned(read) : read).newComparison(Comparison.Origin.IMPORT);
        Judged again = Judged.of(read.vote(comparison), comparison);

        assertThat(read.isOf(comparison)).isTrue();
        assertThat(again).isEqualTo(judged);
        assertThat(EventJson.write(again.choice() == Choice.A ? again.decided() : again.undecided()))
                .isEqualTo(json);
    }

    /** The other text stands first in the table. */
    private static Judged turned(Judged judged) {
        return new Judged(
                judged.id(),
                judged.comparison(),
                judged.annotator(),
                judged.prompt(),
                judged.format(),
                judged.choice(),
                judged.second(),
                judged.first(),
                judged.comment(),
                judged.at());
    }

    @Provide
    Arbitrary<Judged> judged() {
        Arbitrary<Judged.Side> sides = Combinators.combine(texts(), ids().injectNull(0.3), ids().injectNull(0.3))
                .as(Judged.Side::new);
        Arbitrary<Instant> times = Arbitraries.longs()
                .between(0, 4_000_000_000_000_000L)
                .map(micros -> Instant.EPOCH.plusMillis(micros / 1_000).plusNanos(micros % 1_000 * 1_000));
        Arbitrary<String> comments =
                texts().filter(text -> !text.isBlank() && text.indexOf(0) < 0).injectNull(0.3);
        return Combinators.combine(
                        Combinators.combine(ids(), ids(), ids()).as((id, comparison, handle) ->
                                new String[] {id, comparison, handle.substring(0, Math.min(40, handle.length()))}),
                        texts(),
                        Arbitraries.of(Format.class).injectNull(0.3),
                        Arbitraries.of(Choice.A, Choice.TIE, Choice.BOTH_BAD),
                        sides,
                        sides,
                        comments,
                        times)
                .as((names, prompt, format, choice, first, second, comment, at) ->
                        new Judged(names[0], names[1], names[2], prompt, format, choice, first, second, comment, at))
                .filter(one -> !one.first().text().equals(one.second().text()));
    }

    /** Any whole characters, those that JSON or a terminal trips over more often. */
    private static Arbitrary<String> texts() {
        Arbitrary<Integer> ordinary = Arbitraries.integers().between(' ', '~');
        Arbitrary<Integer> awkward = Arbitraries.of(
                0, 8, 0x0a, 0x0d, 0x09, 0x22, 0x5c, 0x7f, 0x85, 0x2028, 0x2029, 0x202e, 0xfeff, 0xffff, 0x1f480);
        Arbitrary<Integer> any = Arbitraries.integers().between(0, 0x10ffff).filter(c -> c < 0xd800 || c > 0xdfff);
        Arbitrary<Integer> characters = Arbitraries.oneOf(ordinary, awkward, any);
        return characters.list().ofMaxSize(40).map(list -> {
            StringBuilder text = new StringBuilder();
            list.forEach(text::appendCodePoint);
            return text.toString();
        });
    }

    private static Arbitrary<String> ids() {
        return Arbitraries.strings()
                .withCharRange('a', 'z')
                .numeric()
                .withChars('-', '.', '_')
                .ofMinLength(1)
                .ofMaxLength(60)
                .map(text -> "x" + text);
    }
}
