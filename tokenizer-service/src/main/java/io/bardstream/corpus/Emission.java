package io.bardstream.corpus;

import io.bardstream.event.Dataset;
import io.bardstream.event.InvalidFieldException;
import java.io.IOException;

/**
 * Makes the token blocks of one dataset. The same corpus, tokenizer and settings always give the same blocks; an emission
 * that is repeated differs from the first in its offsets only.
 */
interface Emission {
    /** Told after each block. */
    interface Listener {
        /** So much of the corpus is sent, from 0 to 1; {@code tokens} are in the block just sent. */
        void sent(double fraction, int tokens);
    }

    /**
     * Sends all blocks and waits until they are acknowledged.
     *
     * @param listener told on this thread
     * @return the manifest
     * @throws InvalidFieldException if a split is too small, or what lies on disk is not the corpus
     */
    Dataset emit(CorpusFiles files, TokenBatches batches, Listener listener) throws IOException, InterruptedException;
}
