/** The decoder of GPT-2, forward and backward. */
package io.bardstream.gpt;
