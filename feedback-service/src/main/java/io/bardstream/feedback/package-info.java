/** People's judgements: what they are shown, what they say, and the facts that both rest on. */
package io.bardstream.feedback;
