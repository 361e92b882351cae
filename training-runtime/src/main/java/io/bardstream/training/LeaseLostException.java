package io.bardstream.training;

/** Another worker has taken the run over, because this one gave no sign of life for longer than the lease. */
public final class LeaseLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LeaseLostException(Lease lease) {
        super("run " + lease.run() + " was taken over by another worker; number " + lease.fence()
                + " may not write any more");
    }
}
