/** The gradients of the policy: one plain class a stage, whose loop reads like the paper's. */
package io.bardstream.trainer;
