/** The judge. It decides which checkpoint serves, and says why on the topic {@code promotions}. */
package io.bardstream.reward;
