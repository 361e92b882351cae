package io.bardstream.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * How a conversation becomes tokens. Each turn is the special token of who speaks, the text, and end of turn:
 *
 * <pre>{@code <|user|>Who's there?<|endofturn|><|assistant|>Nay, answer me.<|endofturn|>}</pre>
 *
 * Nothing stands before the first turn or between two. What a model is asked to write begins behind {@code <|assistant|>};
 * what it is trained on are the assistant's texts and the end of each. A text never becomes a special token, whatever it
 * spells. The same as a Jinja template, for transformers, is {@link #template()}.
 */
public final class ChatFormat {
    /** Counts up when the same conversation gives other tokens. */
    public static final int VERSION = 1;

    /** Who speaks. */
    public enum Role {
        /** Says how the assistant shall be. */
        SYSTEM(SpecialTokens.SYSTEM),
        /** The person. */
        USER(SpecialTokens.USER),
        /** The model. */
        ASSISTANT(SpecialTokens.ASSISTANT);

        private final String opening;

        Role(String opening) {
            this.opening = opening;
        }

        /** As JSON spells it: {@code system}, {@code user} or {@code assistant}. */
        public String label() {
            return name().toLowerCase(Locale.ROOT);
        }

        public static Optional<Role> of(String label) {
            return Arrays.stream(values())
                    .filter(role -> role.label().equals(label))
                    .findFirst();
        }
    }

    /** A turn of a conversation. */
    public record Message(Role role, String content) {}

    /**
     * A conversation in tokens.
     *
     * @param trained bit i says whether token i is one that the model shall learn to say
     */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    public record Rendered(int[] tokens, BitSet trained) {}

    private final BpeTokenizer tokenizer;
    private final int[] openings = new int[Role.values().length];
    private final int endOfTurn;

    private ChatFormat(BpeTokenizer tokenizer) {
        this.tokenizer = tokenizer;
        for (Role role : Role.values()) {
            openings[role.ordinal()] = tokenizer.specialToken(role.opening).orElseThrow();
        }
        this.endOfTurn = tokenizer.specialToken(SpecialTokens.END_OF_TURN).orElseThrow();
    }

    /** The format over a tokenizer's tokens; empty where it lacks any of {@link SpecialTokens#ALL}. */
    public static Optional<ChatFormat> of(BpeTokenizer tokenizer) {
        return isIn(tokenizer.specialTokens().keySet()) ? Optional.of(new ChatFormat(tokenizer)) : Optional.empty();
    }

    static boolean isIn(Set<String> specialTokens) {
        return specialTokens.containsAll(SpecialTokens.ALL);
    }

    /** The id that closes a turn. */
    public int endOfTurn() {
        return endOfTurn;
    }

    /**
     * A whole conversation, with what is trained of it.
     *
     * @throws IllegalArgumentException if a text holds a surrogate without its partner
     */
    public Rendered render(List<Message> messages) {
        Tokens tokens = new Tokens();
        BitSet trained = new BitSet();
        for (Message message : messages) {
            tokens.add(openings[message.role().ordinal()]);
            int from = tokens.count;
            tokens.add(tokenizer.encode(message.content()));
            tokens.add(endOfTurn);
            if (message.role() == Role.ASSISTANT) {
                trained.set(from, tokens.count);
            }
        }
        return new Rendered(tokens.toArray(), trained);
    }

    /** A conversation and the opening of the assistant's next turn: what a model continues. */
    public int[] prompt(List<Message> messages) {
        Tokens tokens = new Tokens();
        tokens.add(render(messages).tokens());
        tokens.add(openings[Role.ASSISTANT.ordinal()]);
        return tokens.toArray();
    }

    /**
     * The Jinja template that renders the same, as transformers' {@code chat_template} is written. Where it is used, the
     * whole is encoded at once, so there, unlike here, a text that spells a special token becomes one.
     */
    public static String template() {
        return "{% for message in messages %}"
                + "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
                + "{{ raise_exception('Unknown role: ' + message['role']) }}"
                + "{% endif %}"
                + "{{ '<|' + message['role'] + '|>' + message['content'] + '" + SpecialTokens.END_OF_TURN + "' }}"
                + "{% endfor %}"
                + "{% if add_generation_prompt %}{{ '" + SpecialTokens.ASSISTANT + "' }}{% endif %}";
    }

    /** Ids one behind another. */
    private static final class Tokens {
        private int[] ids = new int[64];
        private int count;

        void add(int... more) {
            if (count + more.length > ids.length) {
                ids = Arrays.copyOf(ids, Math.max(2 * ids.length, count + more.length));
            }
            System.arraycopy(more, 0, ids, count, more.length);
            count += more.length;
        }

        int[] toArray() {
            return Arrays.copyOf(ids, count);
        }
    }
}
