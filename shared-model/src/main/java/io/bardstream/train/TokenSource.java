package io.bardstream.train;

/**
 * A split's token ids by position, usually a memory-mapped file. Implementations may be read by several threads at
 * once.
 */
public interface TokenSource {
    /** Number of tokens. */
    long size();

    /** Copies the {@code into.length} tokens that start at {@code position}. */
    void copy(long position, int[] into);

    /** Token ids held in an array. */
    static TokenSource of(int... tokens) {
        return new TokenSource() {
            @Override
            public long size() {
                return tokens.length;
            }

            @Override
            public void copy(long position, int[] into) {
                System.arraycopy(tokens, Math.toIntExact(position), into, 0, into.length);
            }
        };
    }
}
