package io.bardstream.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import io.bardstream.gpt.ForwardPass;
import io.bardstream.gpt.Gpt;

/**
 * The language model's objective: the mean of -log p(target), each target weighted when the batch has weights, so that
 * a chat's answers count and its questions do not.
 */
public record NextToken(Batch batch) implements Objective {
    @Override
    public NDArray tokens(ForwardPass pass) {
        if (batch.starts() != null) {
            pass.documents(Gpt.tokens(pass, batch.rows(), batch.length(), batch.starts()));
        }
        return Gpt.tokens(pass, batch.rows(), batch.length(), batch.inputs());
    }

    @Override
    public double weight() {
        return batch.weight();
    }

    @Override
    public Outcome apply(Gpt gpt, NDArray hidden, double scale, ForwardPass pass) {
        NDList result = loss(gpt, hidden, scale, gpt.tokenEmbedding().gradient(), pass);
        return new Outcome(result.get(0), result.get(1));
    }

    /** The mean loss alone, in nats a token. */
    double evaluate(Gpt gpt, ForwardPass pass) {
        NDArray hidden = gpt.forward(tokens(pass), pass); // (B·T, C)
        return loss(gpt, hidden, 1, null, pass).get(0).getFloat();
    }

    private NDList loss(Gpt gpt, NDArray hidden, double scale, NDArray headGradient, ForwardPass pass) {
        NDArray targets = pass.upload(new Shape(batch.tokens()), batch.targets()); // (B·T)
        NDArray weights = batch.weights() == null
                ? null
                : pass.scope().create(batch.weights(), new Shape(batch.tokens())); // (B·T)
        return gpt.compute()
                .kernels()
                .nextToken(hidden, gpt.tokenEmbedding().weight(), targets, weights, scale, headGradient);
    }
}
